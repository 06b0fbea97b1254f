package ort

/*
#cgo linux LDFLAGS: -ldl
#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

// The head of onnxruntime_c_api.h's OrtApiBase, which no version of the library has changed.
typedef struct {
	const void *(*get_api)(uint32_t version);
	const char *(*version)(void);
} api_base;

// The library stays loaded. why is the caller's to free.
static const char *dsql_ort_version(const char *path, char **why) {
	void *lib = dlopen(path, RTLD_LAZY);
	if (!lib) {
		*why = strdup(dlerror());
		return NULL;
	}
	const api_base *(*base)(void) = (const api_base *(*)(void))dlsym(lib, "OrtGetApiBase");
	if (!base) {
		dlclose(lib);
		*why = strdup("it is a library, but not onnxruntime: it has no OrtGetApiBase");
		return NULL;
	}
	return base()->version();
}
*/
import "C"

import (
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"unsafe"

	ort "github.com/yalue/onnxruntime_go"
)

// oldest is the first minor version of onnxruntime 1 that has the functions which the binding calls (its ORT_API_VERSION).
const oldest = 24

var library struct {
	sync.Mutex
	path, version string
}

// Open loads onnxruntime from a shared library, once a process: another path later is an error, the same one is not.
// The result is the library's version.
func Open(path string) (version string, err error) {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	library.Lock()
	defer library.Unlock()
	switch library.path {
	case path:
		return library.version, nil
	case "":
	default:
		return "", fmt.Errorf("onnxruntime %s is in use from %s already: a process has one", library.version, library.path)
	}
	if version, err = probe(path); err != nil {
		return "", err
	}
	var major, minor int
	if _, err := fmt.Sscanf(version, "%d.%d", &major, &minor); err != nil || major != 1 || minor < oldest {
		return "", fmt.Errorf("it is onnxruntime %s, and 1.%d or a later 1.x is needed", version, oldest)
	}
	ort.SetSharedLibraryPath(path)
	if err := ort.InitializeEnvironment(ort.WithLogLevelFatal()); err != nil {
		return "", err
	}
	library.path, library.version = path, version
	return version, nil
}

func probe(path string) (string, error) {
	name := C.CString(path)
	defer C.free(unsafe.Pointer(name))
	var why *C.char
	v := C.dsql_ort_version(name, &why)
	if v == nil {
		defer C.free(unsafe.Pointer(why))
		// dlopen names the file first, as the caller does.
		return "", fmt.Errorf("%s", strings.TrimPrefix(C.GoString(why), path+": "))
	}
	return C.GoString(v), nil
}
