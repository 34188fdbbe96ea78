import { useId } from 'react'
import './usage.css'

export interface Series {
  readonly label: string
  /** Null where there is none. */
  readonly values: readonly (number | null)[]
  readonly tone: 'plain' | 'faint' | 'failed'
}

interface ChartProps {
  readonly title: string
  /** What each value is of. */
  readonly times: readonly string[]
  readonly timeHead: string
  readonly series: readonly Series[]
  readonly format: (value: number) => string
}

const WIDTH = 640
const HEIGHT = 132
const TOP = 6
const BOTTOM = 128

/** Lines over time, and the same as a table for whoever does not see them or wants the figures. */
export function Chart({ title, times, timeHead, series, format }: ChartProps) {
  const titleId = useId()
  const highest = Math.max(0, ...series.flatMap(({ values }) => values.filter((value) => value !== null)))
  return (
    <figure className="chart-figure">
      <figcaption className="row" id={titleId}>
        <b>{title}</b>
        {series.map(({ label, tone }) => (
          <span key={label} className={`legend ${tone}`}>
            <i aria-hidden="true" />
            {label}
          </span>
        ))}
      </figcaption>
      <div className="chart-area">
        <span className="chart-top xs faint num" aria-hidden="true">
          {format(highest)}
        </span>
        <svg
          className="chart"
          viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
          preserveAspectRatio="none"
          role="img"
          aria-label={`${title}, between 0 and ${format(highest)}. The table below has the figures.`}
        >
          <path className="chart-grid" d={`M0 ${BOTTOM}H${WIDTH}M0 67H${WIDTH}M0 ${TOP}H${WIDTH}`} />
          {series.map(({ label, values, tone }) => (
            <g key={label} className={tone}>
              {piecesOf(values, highest).map((points) => (
                <polyline key={points} points={points} />
              ))}
            </g>
          ))}
        </svg>
        <div className="chart-ends xs faint num" aria-hidden="true">
          <span>{times[0]}</span>
          <span>{times.at(-1)}</span>
        </div>
      </div>
      <details>
        <summary>Show as a table</summary>
        {/* It scrolls, so it must be reachable by keyboard. */}
        {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
        <div className="chart-table" role="region" aria-label={`${title} as a table`} tabIndex={0}>
          <table className="num" aria-labelledby={titleId}>
            <thead>
              <tr>
                <th scope="col">{timeHead}</th>
                {series.map(({ label }) => (
                  <th key={label} scope="col">
                    {label}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {times.map((time, index) => (
                <tr key={time}>
                  <th scope="row">{time}</th>
                  {series.map(({ label, values }) => {
                    const value = values[index] ?? null
                    return <td key={label}>{value === null ? 'none' : format(value)}</td>
                  })}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </details>
    </figure>
  )
}

/** The lines between gaps, as points of the drawing. */
export function piecesOf(values: readonly (number | null)[], highest: number): readonly string[] {
  const pieces: string[][] = [[]]
  const step = values.length > 1 ? WIDTH / (values.length - 1) : 0
  for (const [index, value] of values.entries()) {
    if (value === null) {
      pieces.push([])
      continue
    }
    const y = highest === 0 ? BOTTOM : BOTTOM - (value / highest) * (BOTTOM - TOP)
    const x = index * step
    pieces.at(-1)?.push(`${x.toFixed(1)},${y.toFixed(1)}`)
  }
  // One point alone would not be seen.
  return pieces.flatMap((points) => {
    const [first] = points
    if (first === undefined) return []
    return [points.length === 1 ? `${first} ${shifted(first)}` : points.join(' ')]
  })
}

function shifted(point: string): string {
  const [x = '0', y = '0'] = point.split(',')
  return `${(Number(x) + 2).toFixed(1)},${y}`
}
