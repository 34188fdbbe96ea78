import 'react'

declare module 'react' {
  interface CSSProperties {
    /** How far a walk has come. */
    '--at'?: string
  }
}
