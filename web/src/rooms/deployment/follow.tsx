import { Button } from '../../kit/button.tsx'
import { StateGlyph } from '../../kit/state.tsx'

interface FollowProps {
  readonly follow: boolean
  readonly connected: boolean
  readonly onFollow: () => void
}

/** Whether new lines are coming and kept in view. */
export function Follow({ follow, connected, onFollow }: FollowProps) {
  if (!connected) {
    return (
      <span className="state deploying xs">
        <StateGlyph state="deploying" />
        Connecting
      </span>
    )
  }
  if (!follow) {
    return (
      <Button size="sm" onClick={onFollow}>
        Follow new lines
      </Button>
    )
  }
  return (
    <span className="following row xs running">
      <StateGlyph state="running" />
      Following
    </span>
  )
}
