// Middlemen in Go, each written as people write it: go run relay.go NAME PORT TARGET.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"net/url"
	"os"
	"strings"
)

const form = "application/x-www-form-urlencoded"

func main() {
	name, port, target := os.Args[1], os.Args[2], os.Args[3]
	setups := map[string]func(*http.Request) (*http.Response, error){
		"go-post-form": func(r *http.Request) (*http.Response, error) { return http.PostForm(target, r.PostForm) },
		"go-json": func(r *http.Request) (*http.Response, error) {
			body, _ := json.Marshal(r.PostForm)
			return http.Post(target, "application/json", bytes.NewReader(body))
		},
		"go-sprint": func(r *http.Request) (*http.Response, error) {
			return http.Post(target, form, strings.NewReader(fmt.Sprint(r.PostForm)))
		},
		"go-sprint-values": func(r *http.Request) (*http.Response, error) {
			values := url.Values{}
			for key, value := range r.PostForm {
				values.Set(key, fmt.Sprint(value))
			}
			return http.PostForm(target, values)
		},
	}
	http.HandleFunc("/hook", func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			log.Fatal(err)
		}
		if answer, err := setups[name](r); err == nil {
			answer.Body.Close()
		}
		fmt.Fprint(w, "ok")
	})
	log.Fatal(http.ListenAndServe("127.0.0.1:"+port, nil))
}
