package models

import (
	"bytes"
	"errors"
)

// Load reads a model file. The format is recognised by content: LightGBM's text, XGBoost's JSON or UBJSON, ONNX.
// What is damaged or not supported is an error that says so; memory stays in proportion to the file's size.
func Load(data []byte, opt Options) (*Model, error) {
	head := bytes.TrimLeft(data[:min(len(data), 4096)], " \t\r\n\xef\xbb\xbf")
	begins := func(s string) bool { return bytes.HasPrefix(head, []byte(s)) }
	switch {
	case len(head) == 0:
		return nil, errors.New("the file is empty")
	case begins("tree\n"), begins("tree\r\n"):
		return loadLightGBM(data, opt)
	case begins("{") && bytes.Contains(head, []byte(`"max_feature_idx"`)):
		return nil, errors.New("this is what LightGBM's dump_model writes: write the model with save_model")
	case begins("{") && xgbIsJSON(head):
		return loadXGBoost(&jsonDocument{b: bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))}, opt)
	case begins("{"):
		return loadXGBoost(&ubjDocument{b: data}, opt)
	case begins("["), begins("booster["):
		return nil, errors.New("this looks like a dump of XGBoost's trees: write the model with save_model")
	case begins("binf"), begins("bs64"), begins("CONFIG-offset:"):
		return nil, errors.New("this is XGBoost's old or internal format: load the model in XGBoost and write it with save_model, as .json or .ubj")
	case begins("\x80\x02"), begins("\x80\x03"), begins("\x80\x04"), begins("\x80\x05"):
		return nil, errors.New("this is a Python pickle: write the model with save_model (LightGBM, XGBoost) or convert it to ONNX")
	case begins("\x08"): // ir_version, the first field of a ModelProto
		return loadONNX(data, opt)
	}
	return nil, errors.New("the file is of no known format: LightGBM text, XGBoost JSON or UBJSON, ONNX")
}
