package mutants

func workLeaseMutants() []Mutant { return nil }
