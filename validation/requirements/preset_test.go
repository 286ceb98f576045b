package requirements

import "testing"

func TestPresets(t *testing.T) {
	for _, name := range Presets() {
		text, ok := Preset(name)
		if !ok {
			t.Fatalf("there is no %s", name)
		}
		if _, err := Compile(text); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
