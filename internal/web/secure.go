package web

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"

	"github.com/labstack/echo/v4"
)

// maxForm bounds what a form may send.
const maxForm = 64 << 10

//go:embed static
var staticFiles embed.FS

// assets are the static files by the name under which they are served, which
// holds a hash of their content and so may be kept for ever.
type assets struct {
	names map[string]string // file → name with hash
	files map[string][]byte // name with hash → content
}

// loadAssets reads the embedded files, which cannot fail.
func loadAssets() assets {
	a := assets{names: map[string]string{}, files: map[string][]byte{}}
	entries, err := fs.ReadDir(staticFiles, "static")
	if err != nil {
		panic(err)
	}
	for _, e := range entries {
		content, err := staticFiles.ReadFile("static/" + e.Name())
		if err != nil {
			panic(err)
		}
		sum := sha256.Sum256(content)
		ext := path.Ext(e.Name())
		name := strings.TrimSuffix(e.Name(), ext) + "." + hex.EncodeToString(sum[:6]) + ext
		a.names[e.Name()], a.files[name] = name, content
	}
	return a
}

// URL gives the address of a static file.
func (a assets) URL(file string) string { return "/static/" + a.names[file] }

func (w *Web) static(c echo.Context) error {
	content, ok := w.assets.files[c.Param("name")]
	if !ok {
		return echo.ErrNotFound
	}
	h := c.Response().Header()
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox")
	return c.Blob(http.StatusOK, mime.TypeByExtension(path.Ext(c.Param("name"))), content)
}

// secure sets what a browser may do with a page: nothing from elsewhere, no
// script or style inside it, no frame around it unless that is configured.
func (w *Web) secure(next echo.HandlerFunc) echo.HandlerFunc {
	ancestors := "'none'"
	if len(w.FrameAncestors) > 0 {
		ancestors = strings.Join(w.FrameAncestors, " ")
	}
	policy := "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; " +
		"form-action 'self'; base-uri 'none'; frame-ancestors " + ancestors
	return func(c echo.Context) error {
		h := c.Response().Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer") // addresses hold portal tokens
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
		h.Set("X-Robots-Tag", "noindex, nofollow")
		h.Set("Cache-Control", "no-store")
		if len(w.FrameAncestors) == 0 {
			h.Set("X-Frame-Options", "DENY")
		}
		if w.Secure {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		return next(c)
	}
}

func (w *Web) limitBody(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		c.Request().Body = http.MaxBytesReader(c.Response(), c.Request().Body, maxForm)
		return next(c)
	}
}
