package requirements

import (
	"embed"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"
)

//go:embed presets/*.yaml
var presetFiles embed.FS

const presetFolder = "presets"

// Presets lists the names of the profiles that come with the product, which
// others can extend.
func Presets() []string {
	files, _ := presetFiles.ReadDir(presetFolder) // embedded: always there
	names := make([]string, len(files))
	for i, f := range files {
		names[i] = strings.TrimSuffix(f.Name(), ".yaml")
	}
	return names
}

// Preset gives a preset as YAML, as one would write it by hand.
func Preset(name string) ([]byte, bool) {
	if !slices.Contains(Presets(), name) {
		return nil, false
	}
	text, err := presetFiles.ReadFile(path.Join(presetFolder, name+".yaml"))
	return text, err == nil
}

// presets compiles the presets once. They extend no other.
var presets = sync.OnceValue(func() map[string]*Compiled {
	out := map[string]*Compiled{}
	for _, name := range Presets() {
		text, _ := Preset(name)
		p, err := read(text)
		if err == nil {
			out[name], err = compile(p, &Compiled{})
		}
		if err != nil {
			panic(fmt.Sprintf("requirements: preset %s: %v", name, err)) // a test compiles them all
		}
	}
	return out
})
