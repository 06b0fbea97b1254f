package testcases

import "fmt"

// Stump is a LightGBM file of one tree of dep_delay and distance: left where dep_delay is up to the threshold, else right.
func Stump(threshold, left, right float64) string {
	return fmt.Sprintf(`tree
version=v4
num_class=1
num_tree_per_iteration=1
label_index=0
max_feature_idx=1
objective=regression
feature_names=dep_delay distance
feature_infos=[-60:1300] [30:5000]

Tree=0
num_leaves=2
num_cat=0
split_feature=0
split_gain=1
threshold=%v
decision_type=10
left_child=-1
right_child=-2
leaf_value=%v %v
leaf_weight=60 40
leaf_count=60 40
internal_value=0
internal_weight=100
internal_count=100
shrinkage=1

end of trees
`, threshold, left, right)
}
