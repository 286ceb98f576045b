package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"slices"
	"time"

	"facteur.dev/facteur/formats/ubl"
	"facteur.dev/facteur/validation"
	"facteur.dev/facteur/validation/requirements"
)

// requirementStages are the checks against the customer's profile, if one was
// given.
func (c validateCmd) requirementStages(lang string, at time.Time) ([]validation.Stage, error) {
	wanted := len(c.Only) == 0 || slices.Contains(c.Only, validation.StageRequirements)
	switch {
	case c.Profile == "" && len(c.Only) > 0 && wanted:
		return nil, usageError("validate.profile", "requirements need a profile", "name it with --profile FILE")
	case c.Profile == "" || !wanted:
		return nil, nil
	}
	text, err := os.ReadFile(c.Profile)
	if preset, ok := requirements.Preset(c.Profile); ok && errors.Is(err, fs.ErrNotExist) {
		text, err = preset, nil
	}
	if err != nil {
		return nil, environmentError("validate.read", err, "")
	}
	profile, err := requirements.Compile(text)
	if err != nil {
		return nil, &exitError{Status: statusUsage, Code: "validate.profile", Message: c.Profile + ": " + err.Error(), Cause: err}
	}
	return []validation.Stage{profile.Stage(func(_ context.Context, doc *validation.Document) (requirements.Subject, error) {
		inv, _, err := ubl.Read(doc.Bytes)
		return requirements.Subject{
			Invoice: inv, Document: doc.Identity, DocumentSize: int64(len(doc.Bytes)), At: at, Lang: lang,
		}, err
	})}, nil
}
