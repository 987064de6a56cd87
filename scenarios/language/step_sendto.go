package language

// Sendto is sendto(2).
type Sendto struct {
	Data
	To string `json:"to" jsonschema_description:"As for connect."`
}
