//go:build !unix

package dropfolder

import "errors"

func makePipe(string) error { return errors.ErrUnsupported }
