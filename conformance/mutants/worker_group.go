package mutants

func workGroupMutants() []Mutant { return nil }
