// What Node and the loaders of native modules say when a module was not built or not fetched.
const MISSING =
  /could not locate the bindings file|no native build was found|ERR_DLOPEN_FAILED|was compiled against a different node|cannot find (?:module|package) ['"][^'"]*(?:\.node|\/build\/Release[^'"]*|\/prebuilds?\/[^'"]*|@[\w-]+\/[\w-]*(?:linux|darwin|win32)[\w-]*)['"]|install scripts? (?:did not|have not|has not|were not) run|ignore-scripts/i

/** Whether the last output of a server says that it misses what install scripts make, such as native modules. */
export function missesNativeModule(lines: readonly string[]): boolean {
  return lines.some((line) => MISSING.test(line))
}
