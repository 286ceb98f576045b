package schemas

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// fetch makes the archives folder of dir hold every archive of the lock,
// through temp. An archive is moved there only after its SHA-256 was right.
func (l *Lock) fetch(ctx context.Context, dir, temp string, opts SyncOptions) error {
	var missing []Archive
	for _, a := range l.archives {
		if checkArchive(filepath.Join(dir, archivesName, a.File), a) != nil {
			missing = append(missing, a)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	get := fetchWithTools
	if opts.From != "" {
		get = fetchFromBundle
	}
	in := filepath.Join(temp, "fetched")
	if err := os.Mkdir(in, dirMode); err != nil {
		return diskError(dir, err)
	}
	if err := get(ctx, missing, in, opts); err != nil {
		if ctx.Err() != nil {
			return interrupted(ctx.Err())
		}
		return orDisk(dir, err)
	}
	for _, a := range missing {
		got := filepath.Join(in, a.File)
		if err := checkArchive(got, a); errors.Is(err, fs.ErrNotExist) {
			return &Error{
				Code: CodeFetch, Message: "the archive " + a.Coordinate + " was not fetched",
				Remedy: "see whether the registry in use has it, or use facteur schemas sync --from", Err: err,
			}
		} else if err != nil {
			return orDisk(dir, err)
		}
		if err := os.Rename(got, filepath.Join(dir, archivesName, a.File)); err != nil {
			return diskError(dir, err)
		}
	}
	return nil
}

// Prefixes of coordinates.
const (
	mavenPrefix = "maven:"
	pypiPrefix  = "pypi:"
)

// toolTimeout bounds one run of Maven or pip.
const toolTimeout = 15 * time.Minute

// fetchWithTools lets Maven and pip, with the user's own settings, put the
// archives into the folder in.
func fetchWithTools(ctx context.Context, archives []Archive, in string, opts SyncOptions) error {
	run := opts.Run
	if run == nil {
		run = runProcess
	}
	var maven, pypi []Archive
	for _, a := range archives {
		if strings.HasPrefix(a.Coordinate, mavenPrefix) {
			maven = append(maven, a)
		} else {
			pypi = append(pypi, a)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, toolTimeout)
	defer cancel()
	if len(maven) > 0 {
		opts.say("fetching %d archives (%s) with Maven; the first time takes a minute", len(maven), size(maven))
		pom := filepath.Join(filepath.Dir(in), "pom.xml")
		if err := os.WriteFile(pom, []byte(pomFor(maven, in)), 0o600); err != nil {
			return err
		}
		if err := run(ctx, "mvn", "-q", "-B", "-ntp", "-Dstyle.color=never", "-f", pom, "dependency:copy"); err != nil {
			return toolError("Maven", "install maven and a Java runtime (Debian: apt-get install maven default-jre-headless)", err)
		}
	}
	if len(pypi) > 0 {
		opts.say("fetching %d archives (%s) with pip", len(pypi), size(pypi))
		list := filepath.Join(filepath.Dir(in), "requirements.txt")
		if err := os.WriteFile(list, []byte(requirementsFor(pypi)), 0o600); err != nil {
			return err
		}
		args := []string{"-m", "pip", "download", "-q", "--disable-pip-version-check", "--no-deps", "--only-binary", ":all:", "--require-hashes", "-r", list, "-d", in}
		if err := run(ctx, "python3", args...); err != nil {
			return toolError("pip", "install pip (Debian: apt-get install python3-pip)", err)
		}
	}
	return nil
}

func size(archives []Archive) string {
	var n int64
	for _, a := range archives {
		n += a.Size
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1e6)
}

func toolError(tool, install string, err error) error {
	if errors.Is(err, exec.ErrNotFound) || strings.Contains(err.Error(), "No module named pip") {
		return &Error{
			Code: CodeTool, Message: tool + " is not installed",
			Remedy: install + ", or use facteur schemas sync --from with a bundle", Err: err,
		}
	}
	return &Error{
		Code: CodeFetch, Message: tool + " could not fetch the archives",
		Remedy: "check the network and the settings of " + tool + ", or use facteur schemas sync --from with a bundle", Retry: true, Err: err,
	}
}

// runProcess runs a command; its error holds the end of what it printed.
func runProcess(ctx context.Context, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...) //nolint:gosec // names and arguments are ours
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 5 * time.Second
	out, err := cmd.CombinedOutput()
	if err == nil {
		return nil
	}
	const keep = 2000
	text := strings.TrimSpace(string(out))
	if len(text) > keep {
		text = "…" + text[len(text)-keep:]
	}
	if text == "" {
		return err
	}
	return fmt.Errorf("%w\n%s", err, text)
}

// pomFor lists the archives for Maven's dependency plugin. The plugin stays at
// 2.10, which copies an archive without reading its project description:
// later versions fail on archives whose parent project is not published.
func pomFor(archives []Archive, in string) string {
	var b strings.Builder
	b.WriteString(`<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>facteur</groupId><artifactId>rule-packs</artifactId><version>1</version><packaging>pom</packaging>
  <build><plugins><plugin>
    <groupId>org.apache.maven.plugins</groupId><artifactId>maven-dependency-plugin</artifactId><version>2.10</version>
    <configuration>
      <outputDirectory>` + escape(in) + `</outputDirectory>
      <artifactItems>
`)
	for _, a := range archives {
		part := strings.Split(strings.TrimPrefix(a.Coordinate, mavenPrefix), ":")
		fmt.Fprintf(&b, "        <artifactItem><groupId>%s</groupId><artifactId>%s</artifactId><version>%s</version></artifactItem>\n",
			escape(part[0]), escape(part[1]), escape(part[2]))
	}
	b.WriteString("      </artifactItems>\n    </configuration>\n  </plugin></plugins></build>\n</project>\n")
	return b.String()
}

func escape(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s))
	return b.String()
}

// requirementsFor lists the archives for pip, which checks the hashes, too.
func requirementsFor(archives []Archive) string {
	var b strings.Builder
	for _, a := range archives {
		fmt.Fprintf(&b, "%s --hash=sha256:%s\n", strings.TrimPrefix(a.Coordinate, pypiPrefix), a.SHA256)
	}
	return b.String()
}

// fetchFromBundle copies the archives from a folder or an http(s) address.
func fetchFromBundle(ctx context.Context, archives []Archive, in string, opts SyncOptions) error {
	open := openFile
	if strings.HasPrefix(opts.From, "http://") || strings.HasPrefix(opts.From, "https://") {
		open = openURL
	}
	for i, a := range archives {
		opts.say("fetching %d/%d %s from %s", i+1, len(archives), a.File, opts.From)
		if err := fetchOne(ctx, a, filepath.Join(in, a.File), opts, open); err != nil {
			return err
		}
	}
	return nil
}

// fetchOne writes at most one byte more than the archive may have, and refuses
// what is not the archive before the next one is fetched.
func fetchOne(ctx context.Context, a Archive, target string, opts SyncOptions, open opener) error {
	r, err := open(ctx, a, opts)
	if err != nil {
		return err
	}
	defer r.Close()
	w, err := os.Create(target)
	if err != nil {
		return err
	}
	_, err = io.Copy(w, io.LimitReader(r, a.Size+1))
	if err = errors.Join(err, w.Close()); err != nil {
		return &Error{Code: CodeFetch, Message: "the archive " + a.File + " could not be fetched whole", Remedy: "try again", Retry: true, Err: err}
	}
	return checkArchive(target, a)
}

type opener func(ctx context.Context, a Archive, opts SyncOptions) (io.ReadCloser, error)

func openFile(_ context.Context, a Archive, opts SyncOptions) (io.ReadCloser, error) {
	f, err := os.Open(filepath.Join(opts.From, a.File))
	if errors.Is(err, fs.ErrNotExist) {
		f, err = os.Open(filepath.Join(opts.From, archivesName, a.File))
	}
	if err != nil {
		return nil, notInBundle(a, opts.From, false, err)
	}
	return f, nil
}

// archiveTimeout bounds the fetch of one archive from an address.
const archiveTimeout = 5 * time.Minute

func openURL(ctx context.Context, a Archive, opts SyncOptions) (io.ReadCloser, error) {
	client := opts.HTTP
	if client == nil {
		client = &http.Client{Timeout: archiveTimeout}
	}
	address := strings.TrimSuffix(opts.From, "/") + "/" + url.PathEscape(a.File)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, notInBundle(a, opts.From, false, err)
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, notInBundle(a, opts.From, true, err)
	}
	if resp.StatusCode != http.StatusOK {
		_ = resp.Body.Close()
		return nil, notInBundle(a, opts.From, resp.StatusCode >= http.StatusInternalServerError, errors.New(resp.Status))
	}
	return resp.Body, nil
}

func notInBundle(a Archive, from string, retry bool, err error) error {
	return &Error{
		Code: CodeFetch, Message: fmt.Sprintf("the bundle %s does not give the archive %s", from, a.File),
		Remedy: "a bundle holds the archives of the lock under their file names, as the folder archives of a synced data folder does",
		Retry:  retry, Err: err,
	}
}
