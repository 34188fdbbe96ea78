import { useId } from 'react'

/** The mark: a walk with a cat on it. */
export function Mark() {
  const gradient = useId()
  return (
    <svg className="mark" viewBox="0 0 28 20" aria-hidden="true">
      <defs>
        <linearGradient id={gradient} gradientUnits="userSpaceOnUse" x1="1" y1="0" x2="27" y2="0">
          <stop stopColor="var(--accent-a)" />
          <stop offset="1" stopColor="var(--accent-b)" />
        </linearGradient>
      </defs>
      <path d="M1 16.5H8V4.5l4 3.6h4l4-3.6v12h7" stroke={`url(#${gradient})`} />
    </svg>
  )
}
