package client

import (
	"encoding/json"
)

// A Transfer is the value of a transfer between two accounts of a bank.
type Transfer struct {
	From   int `json:"from"`
	To     int `json:"to"`
	Amount int `json:"amount"`
}

// ParseTransfer reads the value of a transfer. The error has no effect.
func ParseTransfer(value json.RawMessage) (Transfer, error) {
	var t Transfer
	if err := json.Unmarshal(value, &t); err != nil {
		return t, Refused("read the transfer %s: %w", value, err)
	}
	return t, nil
}
