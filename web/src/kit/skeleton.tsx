import './skeleton.css'

/** Stands where a line of text will be, in its size. Widths and heights in rem. */
export function Skeleton({ width, height = 0.75 }: { readonly width?: number; readonly height?: number }) {
  return (
    <span
      className="skel"
      style={{ height: `${height}rem`, ...(width === undefined ? {} : { width: `${width}rem` }) }}
    />
  )
}

/** Stands where a card will be. */
export function SkeletonCard({ height }: { readonly height: number }) {
  return (
    <div className="card pad stack" style={{ minHeight: `${height}rem` }}>
      <Skeleton width={9} height={1} />
      <Skeleton />
      <Skeleton width={14} />
    </div>
  )
}
