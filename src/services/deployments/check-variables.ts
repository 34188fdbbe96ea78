import { CatwalkError, variableProblem } from '../../domain/index.ts'

/**
 * Refuses what cannot be given to a server.
 * @returns the variables as pairs
 * @throws CatwalkError `invalid_variable`, `missing_variable` for one without a value
 */
export function checkVariables(
  variables: Readonly<Record<string, string>>,
): readonly (readonly [string, string])[] {
  const entries = Object.entries(variables)
  if (entries.length > 200) throw new CatwalkError('invalid_variable', 'There are more than 200 variables.')
  for (const [name, value] of entries) {
    const problem = variableProblem(name, value)
    if (problem === null) continue
    const code = value === '' ? 'missing_variable' : 'invalid_variable'
    throw new CatwalkError(code, `The variable ${JSON.stringify(name.slice(0, 80))} ${problem}.`, {
      details: { field: `variables.${name.slice(0, 80)}` },
    })
  }
  return entries
}
