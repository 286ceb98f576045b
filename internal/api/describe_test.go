package api

import "net/http"

func described(w *world, r *http.Request, out reply) {}
