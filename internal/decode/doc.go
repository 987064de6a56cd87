// Package decode fills Go structs from YAML nodes and reports every mistake at its place, not only
// the first one.
//
// The tags of a struct say how it is written in YAML:
//
//   - A field is a key: the yaml tag names it, else the json tag. A field without a name is not
//     read. The key is required unless the json tag has omitempty or omitzero. enum=WORD in the
//     jsonschema tag lists the words that a text may be.
//   - yaml:",inline", and embedding, put the keys of a struct among those of the outer struct.
//   - yaml:",short" marks the field that a value fills when it stands in place of the whole
//     mapping: "delay: 200ms" for "delay: {by: 200ms}". At an embedded struct, the flag means that
//     struct's first field. A short form that is itself a mapping has none of the struct's keys.
//   - yaml:",whole" marks the only field of a struct that is always written as this field alone.
//   - yaml:",name" marks the field that is a key of a mapping: a list of such structs is written as
//     a mapping of names. The values are the structs, or the field with the flag yaml:",value".
//   - A field whose type is [Place], or converts to it, gets the place of its struct.
//
// A type that is written as one scalar implements [Setter], a text type with a fixed set of words
// [Worded]. Any other form is read by a function that [Decoder.Form] returns. The package knows no
// type of the language it reads.
package decode
