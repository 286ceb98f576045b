package xmltree

import "unicode/utf8"

// markStep is how many bytes Position reads at most.
const markStep = 4 << 10

// mark is the position of the byte i*markStep.
type mark struct{ line, column int32 }

// Position turns an offset of Source into a line and a column (in characters,
// a byte order mark not counted), both from 1. Lines end with LF, so that a
// lone CR starts none.
func (d *Document) Position(offset int) (line, column int) {
	d.marksOnce.Do(func() { d.marks = makeMarks(d.src) })
	offset = min(max(offset, 0), len(d.src))
	i := offset / markStep
	m := advance(d.marks[i], d.src[i*markStep:offset])
	return int(m.line), max(int(m.column), 1)
}

// position is Position without a document.
func position(src []byte, offset int) (line, column int) {
	m := advance(firstMark(src), src[:min(offset, len(src))])
	return int(m.line), max(int(m.column), 1)
}

func makeMarks(src []byte) []mark {
	marks := make([]mark, 0, len(src)/markStep+1)
	m := firstMark(src)
	for i := 0; ; i += markStep {
		marks = append(marks, m)
		if i+markStep > len(src) {
			return marks
		}
		m = advance(m, src[i:i+markStep])
	}
}

func firstMark(src []byte) mark {
	if hasUTF8Mark(src) {
		return mark{1, 0}
	}
	return mark{1, 1}
}

func advance(m mark, s []byte) mark {
	for _, b := range s {
		switch {
		case b == '\n':
			m.line++
			m.column = 1
		case utf8.RuneStart(b):
			m.column++
		}
	}
	return m
}
