package models
import ("testing";"os")
func BenchmarkZZ(b *testing.B) {
	data, _ := os.ReadFile(os.Getenv("MODEL_BENCH"))
	for b.Loop() { Load(data, Options{}) }
}
