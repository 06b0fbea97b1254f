// Package load tells model files by their content and hands them to the loader of their format. A new format is a package and a case here.
package load

import (
	"bytes"
	"errors"

	"dsql/models/catboost"
	"dsql/models/document"
	"dsql/models/graph"
	"dsql/models/lightgbm"
	"dsql/models/model"
	"dsql/models/sklearn"
	"dsql/models/xgboost"
)

// Load reads a model file, for whom Options.Missing is missing.
func Load(data []byte, opt model.Options) (*model.Model, error) {
	m, err := load(data, opt)
	if err == nil && len(m.Inputs()) == 0 { // a damaged file's; it would be no function of a row
		return nil, errors.New("the model has no inputs")
	}
	if err != nil || opt.Missing == nil {
		return m, err
	}
	return m.WithMissing(opt.Missing), nil
}

// load reads a model file. The format is recognised by content: LightGBM's text, XGBoost's JSON or UBJSON, CatBoost's own or JSON, ONNX.
// What is damaged or not supported is an error that says so; memory stays in proportion to the file's size.
func load(data []byte, opt model.Options) (*model.Model, error) {
	head := bytes.TrimLeft(data[:min(len(data), 4096)], " \t\r\n\xef\xbb\xbf")
	begins := func(s string) bool { return bytes.HasPrefix(head, []byte(s)) }
	switch {
	case len(head) == 0:
		return nil, errors.New("the file is empty")
	case begins("tree\n"), begins("tree\r\n"):
		return lightgbm.Load(data, opt)
	case bytes.HasPrefix(data, []byte(sklearn.Magic)):
		return sklearn.Load(data, opt)
	case begins("{") && bytes.Contains(head, []byte(`"max_feature_idx"`)):
		return nil, errors.New("this is what LightGBM's dump_model writes: write the model with save_model")
	case bytes.HasPrefix(data, []byte(catboost.Magic)), begins("{") && catboost.IsJSON(head):
		return catboost.Load(data, opt)
	case begins("{") && xgboost.IsJSON(head):
		return xgboost.Load(&document.JSON{B: bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))}, opt)
	case begins("{"):
		return xgboost.Load(&document.UBJSON{B: data}, opt)
	case begins("["), begins("booster["):
		return nil, errors.New("this looks like a dump of XGBoost's trees: write the model with save_model")
	case begins("binf"), begins("bs64"), begins("CONFIG-offset:"):
		return nil, errors.New("this is XGBoost's old or internal format: load the model in XGBoost and write it with save_model, as " +
			".json or .ubj")
	case begins("\x80\x01"), begins("\x80\x02"), begins("\x80\x03"), begins("\x80\x04"), begins("\x80\x05"):
		return nil, errors.New("this is a Python pickle: write the model with save_model (LightGBM, XGBoost), convert it to ONNX, or have " +
			"Python score it: FORMAT sklearn")
	}
	if what := foreign(head); what != "" {
		return nil, errors.New("this is " + what)
	}
	if begins("\x08") { // ir_version, the first field of a ModelProto
		return graph.Load(data, opt)
	}
	return nil, errors.New("the file is of no known format: LightGBM text, XGBoost JSON or UBJSON, CatBoost's own or JSON, ONNX")
}

// foreign says what a file is that Load can't read, and what to do; "" where that isn't known.
func foreign(head []byte) string {
	for _, f := range [...]struct{ begins, what string }{
		{"version https://git-lfs", "a pointer of Git LFS, not the model: fetch it with git lfs pull"},
		{"\x1f\x8b", "a gzip file: unpack it"},
		{"PK\x03\x04", "a zip archive (Keras, PyTorch, or a packed model): unpack it, or convert the model to ONNX"},
		{"\x89HDF\r\n", "an HDF5 file (Keras): convert the model to ONNX, with tf2onnx say"},
		{"\x78\x01", zlibPickle}, {"\x78\x9c", zlibPickle}, {"\x78\xda", zlibPickle}, {"ZF0x", zlibPickle},
		{"(lp", oldPickle}, {"(dp", oldPickle}, {"ccopy_reg\n", oldPickle}, {"c__main__", oldPickle}, {"csklearn", oldPickle},
		{"ccopyreg", oldPickle}, {"cnumpy", oldPickle}, {"cjoblib", oldPickle}, {"]q\x00", oldPickle}, {"}q\x00", oldPickle},
	} {
		if bytes.HasPrefix(head, []byte(f.begins)) {
			return f.what
		}
	}
	if bytes.HasPrefix(head, []byte("<")) && bytes.Contains(head, []byte("<PMML")) {
		return "PMML: convert the model that it was made from to ONNX"
	}
	return ""
}

const (
	zlibPickle = "packed by zlib, as joblib packs a pickle: write the model with save_model (LightGBM, XGBoost), convert it to ONNX, or have " +
		"Python score it: FORMAT sklearn"
	oldPickle = "a Python pickle: write the model with save_model (LightGBM, XGBoost), convert it to ONNX, or have Python score it: " +
		"FORMAT sklearn"
)
