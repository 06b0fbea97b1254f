package load_test

import (
	"fmt"
	"os"

	"dsql/models/load"
	"dsql/models/model"
)

// A model file is loaded and scored without SQL, and without the library that made it.
func ExampleLoad() {
	data, err := os.ReadFile("../../testdata/models/lgb_constant/model.txt")
	if err != nil {
		fmt.Println(err)
		return
	}
	m, err := load.Load(data, model.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	cols := make([]model.Column, len(m.Inputs())) // two rows
	for i := range cols {
		cols[i].Values = &[]float64{1, 2}[0]
	}
	out := make([]float64, 2*m.Outputs(model.Prediction))
	fmt.Println(m.Format(), m.Trees(), m.Score(model.Prediction, cols, 2, out))
	// Output: lightgbm 1 <nil>
}
