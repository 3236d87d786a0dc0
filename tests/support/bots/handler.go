// A bot's handler in Go, as people write it: go run handler.go PORT TOKEN FILE.
package main

import (
	"encoding/json"
	"net/http"
	"os"
)

func main() {
	port, token, file := os.Args[1], os.Args[2], os.Args[3]
	http.HandleFunc("/bitrix", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Bitrix-Token") != token || r.FormValue("auth[application_token]") != token {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		id := r.FormValue("data[FIELDS_AFTER][ID]")
		if id == "" {
			id = r.FormValue("data[ID]")
		}
		line, _ := json.Marshal(map[string]string{"event": r.FormValue("event"), "id": id})
		out, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		defer out.Close()
		out.Write(append(line, '\n'))
	})
	http.ListenAndServe("127.0.0.1:"+port, nil)
}
