// Verifies deliveries with PagerDuty's own Go client. Reads one JSON object a line, {"secret","signature","body"}, its
// body in base64; prints "ok" or the client's error for each.
package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os"

	"github.com/PagerDuty/go-pagerduty/webhookv3"
)

type delivery struct {
	Secret    string `json:"secret"`
	Signature string `json:"signature"`
	Body      string `json:"body"`
}

func verify(line []byte) error {
	var it delivery
	if err := json.Unmarshal(line, &it); err != nil {
		return err
	}
	body, err := base64.StdEncoding.DecodeString(it.Body)
	if err != nil {
		return err
	}
	request, err := http.NewRequest(http.MethodPost, "http://receiver.example/", bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("X-PagerDuty-Signature", it.Signature)
	return webhookv3.VerifySignature(request, it.Secret)
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if err := verify(lines.Bytes()); err != nil {
			fmt.Println(err)
		} else {
			fmt.Println("ok")
		}
	}
	if err := lines.Err(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
