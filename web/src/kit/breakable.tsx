import { Fragment } from 'react'

/** A long name in code that may go on in the next line after a slash. */
export function Breakable({ text }: { readonly text: string }) {
  return (
    <span className="mono">
      {text.split(/(?<=\/)/).map((part, index) => (
        <Fragment key={part}>
          {index > 0 && <wbr />}
          {part}
        </Fragment>
      ))}
    </span>
  )
}
