package requirements

import (
	"maps"
	"slices"
	"sync"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	"facteur.dev/facteur/formats/invoice"
)

// Bounds of a rule.
const (
	maxExpression = 4000      // characters
	maxNodes      = 4000      // of its tree, macros expanded
	maxNesting    = 4         // of loops in loops
	maxRegex      = 2000      // instructions of one pattern
	maxCost       = 500_000   // steps of one evaluation, about
	maxMemory     = 1_000_000 // values held at once, about
	maxTraversal  = 200_000   // values looked at to tell how many there are
	maxListDepth  = 50        // of lists joined with +
)

// environment is where rules are compiled.
type environment struct {
	model *model
	// document is for rules on the invoice as a whole, line for those that are
	// evaluated for each of its lines.
	document, line *cel.Env
}

// rulesEnvironment makes the environment once: it never changes.
var rulesEnvironment = sync.OnceValues(newEnvironment)

func newEnvironment() (*environment, error) {
	m, err := newModel()
	if err != nil {
		return nil, err
	}
	options := []cel.EnvOption{
		cel.CustomTypeProvider(m), cel.CustomTypeAdapter(m),
		cel.OptionalTypes(), cel.DefaultUTCTimeZone(true), cel.EagerlyValidateDeclarations(true),
		cel.ParserExpressionSizeLimit(maxExpression), cel.ExpressionNodeLimit(maxNodes), cel.ParserRecursionLimit(100),
		cel.RegexProgramSizeLimit(maxRegex),
		cel.ASTValidators(
			cel.ValidateRegexLiterals(), cel.ValidateDurationLiterals(), cel.ValidateTimestampLiterals(),
			cel.ValidateHomogeneousAggregateLiterals(), cel.ValidateComprehensionNestingLimit(maxNesting), exactAndPure{},
		),
		cel.Variable("invoice", cel.ObjectType("invoice.Invoice")),
		cel.Variable("order", cel.ObjectType("order.Order")),
		cel.Variable("document", cel.ObjectType("requirements.documentFacts")),
		cel.Variable("billed_before", cel.MapType(cel.StringType, decimalType)),
		cel.Variable("today", dateType),
	}
	options = append(options, arithmetic()...)
	options = append(options, functions()...)
	env := &environment{model: m}
	if env.document, err = cel.NewEnv(options...); err != nil {
		return nil, err
	}
	env.line, err = env.document.Extend(
		cel.Variable("line", cel.ObjectType("invoice.Line")),
		cel.Variable("order_line", cel.ObjectType("order.Line")),
	)
	return env, err
}

// bounds keep a rule from running away.
func bounds() []cel.ProgramOption {
	size := types.NewSizeCalculator(types.SizeCalculatorMaxTraversal(maxTraversal), types.SizeCalculatorMaxDepth(maxListDepth))
	return []cel.ProgramOption{
		cel.CostLimit(maxCost), cel.MemoryLimit(maxMemory), cel.MemoryTracking(types.MemoryTrackerSizeCalculator(size)), cel.InterruptCheckFrequency(100),
	}
}

// arithmetic gives the operators of CEL a meaning for decimals and dates. The
// values do the work: see decimal and date.
func arithmetic() []cel.EnvOption {
	two := func(operator, name string, left, right, result *cel.Type) cel.EnvOption {
		return cel.Function(operator, cel.Overload(name, []*cel.Type{left, right}, result))
	}
	options := []cel.EnvOption{
		two(operators.Add, "add_decimal", decimalType, decimalType, decimalType),
		two(operators.Subtract, "subtract_decimal", decimalType, decimalType, decimalType),
		two(operators.Multiply, "multiply_decimal", decimalType, decimalType, decimalType),
		cel.Function(operators.Negate, cel.Overload("negate_decimal", []*cel.Type{decimalType}, decimalType)),
		two(operators.Add, "add_date_days", dateType, cel.IntType, dateType),
		two(operators.Subtract, "subtract_date_days", dateType, cel.IntType, dateType),
		two(operators.Subtract, "subtract_dates", dateType, dateType, cel.IntType),
	}
	for _, operator := range []string{operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals} {
		for _, t := range []*cel.Type{decimalType, dateType} {
			options = append(options, two(operator, operator+t.TypeName(), t, t, cel.BoolType))
		}
	}
	return options
}

// functions are those that rules have beside the standard ones.
func functions() []cel.EnvOption {
	one := func(name, id string, argument, result *cel.Type, fn func(ref.Val) ref.Val) cel.EnvOption {
		return cel.Function(name, cel.Overload(id, []*cel.Type{argument}, result, cel.UnaryBinding(fn)))
	}
	options := []cel.EnvOption{
		one("dec", "dec_string", cel.StringType, decimalType, func(v ref.Val) ref.Val {
			d, err := invoice.ParseDecimal(string(v.(types.String)))
			if err != nil {
				return types.NewErrFromString(err.Error())
			}
			return decimal{d}
		}),
		one("dec", "dec_int", cel.IntType, decimalType, func(v ref.Val) ref.Val {
			return decimal{invoice.NewDecimal(int64(v.(types.Int)), 0)}
		}),
		one("date", "date_string", cel.StringType, dateType, func(v ref.Val) ref.Val {
			d, err := invoice.ParseDate(string(v.(types.String)))
			if err != nil {
				return types.NewErrFromString(err.Error())
			}
			return date{d}
		}),
		one("string", "string_decimal", decimalType, cel.StringType, func(v ref.Val) ref.Val { return v.ConvertToType(types.StringType) }),
		one("string", "string_date", dateType, cel.StringType, func(v ref.Val) ref.Val { return v.ConvertToType(types.StringType) }),
		cel.Function("abs", cel.MemberOverload("decimal_abs", []*cel.Type{decimalType}, decimalType,
			cel.UnaryBinding(func(v ref.Val) ref.Val { return decimal{v.(decimal).Abs()} }))),
		cel.Function("round", cel.MemberOverload("decimal_round", []*cel.Type{decimalType, cel.IntType}, decimalType,
			cel.BinaryBinding(round))),
		cel.Function("div", cel.MemberOverload("decimal_div", []*cel.Type{decimalType, decimalType, cel.IntType}, decimalType,
			cel.FunctionBinding(divide))),
		cel.Function("sum", cel.MemberOverload("decimals_sum", []*cel.Type{cel.ListType(decimalType)}, decimalType,
			cel.UnaryBinding(sum))),
	}
	for _, name := range slices.Sorted(maps.Keys(namedChecks)) {
		check := namedChecks[name]
		options = append(options, one(name, name+"_string", cel.StringType, cel.BoolType, func(v ref.Val) ref.Val {
			return types.Bool(check(string(v.(types.String))))
		}))
	}
	return options
}

// maxPlaces bounds the decimals that a rule can round to.
const maxPlaces = 20

func places(v ref.Val) (int32, ref.Val) {
	n := v.(types.Int)
	if n < 0 || n > maxPlaces {
		return 0, types.NewErr("%d is no number of decimals from 0 to %d", n, maxPlaces)
	}
	return int32(n), nil
}

func round(value, decimals ref.Val) ref.Val {
	n, problem := places(decimals)
	if problem != nil {
		return problem
	}
	return decimal{value.(decimal).Round(n)}
}

func divide(args ...ref.Val) ref.Val {
	n, problem := places(args[2])
	if problem != nil {
		return problem
	}
	by := args[1].(decimal)
	if by.IsZero() {
		return types.NewErr("division by zero")
	}
	return decimal{args[0].(decimal).Div(by.Decimal, n)}
}

func sum(list ref.Val) ref.Val {
	var total ref.Val = decimal{}
	for it := list.(traits.Lister).Iterator(); it.HasNext() == types.True; {
		next, ok := it.Next().(decimal)
		if !ok {
			return types.NewErr("not a list of decimals")
		}
		if total = total.(decimal).Add(next); types.IsError(total) {
			return total
		}
	}
	return total
}

// exactAndPure refuses rules that make a value of the model, such as
// invoice.Line{}, or a floating-point number.
type exactAndPure struct{}

// Name names the validator.
func (exactAndPure) Name() string { return "facteur.exact_and_pure" }

// Validate reports what it refuses.
func (exactAndPure) Validate(_ *cel.Env, _ cel.ValidatorConfig, tree *ast.AST, issues *cel.Issues) {
	for _, e := range ast.MatchDescendants(ast.NavigateAST(tree), ast.AllMatcher()) {
		switch {
		case e.Kind() == ast.StructKind:
			issues.ReportErrorAtID(e.ID(), "a rule cannot make a value of %s", e.AsStruct().TypeName())
		case e.Type().Kind() == types.DoubleKind:
			issues.ReportErrorAtID(e.ID(), `there are no floating-point numbers: write dec("1.5")`)
		}
	}
}
