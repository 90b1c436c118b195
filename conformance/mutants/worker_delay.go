package mutants

func workDelayMutants() []Mutant { return nil }
