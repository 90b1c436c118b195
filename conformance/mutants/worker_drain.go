package mutants

func workDrainMutants() []Mutant { return nil }
