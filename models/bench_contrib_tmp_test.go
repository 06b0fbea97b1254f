package models
import ("testing";"os";"unsafe";"time";"fmt";"syscall";"dsql/models/load";"dsql/models/model";"dsql/models/forest")
func BenchmarkContribTmp(b *testing.B){
 for _, f := range []string{"31","255"} { data,_ := os.ReadFile("/tmp/dsql-bench-models/lightgbm_"+f+".txt"); raw,_ := os.ReadFile("/tmp/dsql-bench-models/rows.f64")
 for _, k := range forest.Kernels() { if k=="go" {continue}
 t:=time.Now()
 m,err := load.Load(data, model.Options{Kernel:k, Output: model.Contrib}); if err!=nil {b.Fatal(err)}
 fmt.Println(f,k,"load",time.Since(t))
 b.Run(f+"/"+k, func(b *testing.B){
 w:=len(m.Inputs()); n:=len(raw)/8/w; all:=unsafe.Slice((*float64)(unsafe.Pointer(&raw[0])), n*w); cols:=make([]model.Column,w); for i:=range cols{cols[i].Values=&all[i*n]}
 out:=make([]float64,n*(w+1))
 cpu:=func() float64 {var u syscall.Rusage; syscall.Getrusage(syscall.RUSAGE_SELF,&u); return float64(u.Utime.Sec)+float64(u.Utime.Usec)/1e6}; t0:=cpu(); for b.Loop(){ if err:=m.Score(model.Contrib,cols,n,out);err!=nil{b.Fatal(err)} }
 b.ReportMetric((cpu()-t0)*1e6/float64(n*b.N),"µs/row") }) } } }
