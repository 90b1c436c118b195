module github.com/longshore-dev/longshore

go 1.26
