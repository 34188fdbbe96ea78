/** Something in a snapshot that could be a server: a package, or a program that is built from its folder. */
export interface Project {
  readonly ecosystem: 'npm' | 'pypi' | 'go'
  /** `''` for the root. */
  readonly folder: string
  /** The file that declares it. */
  readonly manifest: string
  readonly name: string
  readonly version: string | null
  readonly description: string | null
  /** Executable to the file or entry point behind it. */
  readonly executables: ReadonlyMap<string, string>
  /** What starts it when it has no executable: `main`, or a `start` script's file. */
  readonly main: string | null
  readonly dependencies: ReadonlySet<string>
  readonly isPrivate: boolean
  /** It declares what others import, and nothing that is started. */
  readonly isLibrary: boolean
  readonly repository: string | null
  /** Its name in the official MCP Registry, when it says one. */
  readonly registryName: string | null
}
