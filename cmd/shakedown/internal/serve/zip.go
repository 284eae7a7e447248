package serve

import (
	"archive/zip"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path"
	"strings"
)

// zip gives out a run as one file.
func (s *server) zip(w http.ResponseWriter, r *http.Request) {
	scenario, id := r.PathValue("scenario"), strings.TrimSuffix(r.PathValue("file"), ".zip")
	if id == r.PathValue("file") {
		http.Redirect(w, r, "/runs/"+scenario+"/"+id+"/", http.StatusFound)
		return
	}
	dir, err := s.open(scenario, id)
	if err != nil {
		missing(w)
		return
	}
	defer dir.Close()
	w.Header().Set("Content-Type", "application/zip")
	w.Header().Set("Content-Disposition", `attachment; filename="`+id+`.zip"`)
	if r.Method == http.MethodHead {
		return
	}
	if s.o.Bundle == nil {
		err = pack(w, dir, id)
	} else if folder, openErr := s.folder(scenario, id); openErr == nil {
		err = s.o.Bundle(w, folder)
	} else {
		err = openErr
	}
	if err != nil {
		panic(http.ErrAbortHandler) // the only way to tell a browser that what it has is not whole
	}
}

// pack writes all regular files below dir; links and whatever else a run
// cannot have made are left out.
func pack(w io.Writer, dir *os.Root, id string) error {
	z := zip.NewWriter(w)
	err := fs.WalkDir(dir.FS(), ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		return packFile(z, dir, name, path.Join(id, name))
	})
	if err != nil {
		return err
	}
	return z.Close()
}

func packFile(z *zip.Writer, dir *os.Root, name, as string) error {
	f, err := dir.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	header, err := zip.FileInfoHeader(info)
	if err != nil {
		return err
	}
	header.Name, header.Method = as, zip.Deflate
	out, err := z.CreateHeader(header)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, f)
	return err
}
