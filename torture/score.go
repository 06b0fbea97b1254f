package torture

import "fmt"

// A model that is scored in a stream: a tree of LightGBM's with one split, so that what it gives can be said here.

const (
	modelFile = "risk.txt"
	scoreLow  = -0.5 // b up to 4.5, and no b
	scoreHigh = 0.25
)

var modelText = fmt.Sprintf(`tree
version=v4
num_class=1
num_tree_per_iteration=1
label_index=0
max_feature_idx=0
objective=regression
feature_names=b
feature_infos=[0:9]

Tree=0
num_leaves=2
num_cat=0
split_feature=0
threshold=4.5
decision_type=10
left_child=-1
right_child=-2
leaf_value=%v %v
is_linear=0
shrinkage=1


end of trees
`, scoreLow, scoreHigh)

// score is what the model gives.
func score(r Row) Value {
	n, there := r.num("b")
	return either(there && n > 4, scoreHigh, scoreLow)
}
