package language

// Recv is recv(2): once, or until Bytes have come, or to the end of the stream.
type Recv struct {
	Bytes Size     `yaml:",short" json:"bytes,omitempty" jsonschema_description:"Repeat recv(2) until that many bytes have come, the stream ends or it fails. Default: one recv(2)."`
	Max   Size     `json:"max,omitempty" jsonschema_description:"Length of the buffer of one recv(2). Default: 64kB."`
	Until string   `json:"until,omitempty" jsonschema:"enum=eof" jsonschema_description:"eof: repeat recv(2) until it returns 0 or fails."`
	Flags []string `json:"flags,omitempty" jsonschema_description:"dontwait, peek, waitall, oob."`
}
