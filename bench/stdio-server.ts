// The stdio server behind a measured bridge: no SDK, so that the bridge's own cost shows.
import { answerTo, type BenchRequest } from './tools.ts'

let rest: Buffer[] = []
process.stdin.on('data', (chunk: Buffer) => {
  let out = ''
  let start = 0
  for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
    const line = Buffer.concat([...rest, chunk.subarray(start, end)])
    rest = []
    start = end + 1
    // Sent by our own load client, through the bridge that is measured.
    const message = JSON.parse(line.toString()) as BenchRequest
    if (message.id !== undefined) out += `${answerTo(message)}\n`
  }
  if (start < chunk.length) rest.push(chunk.subarray(start))
  if (out !== '') process.stdout.write(out)
})
process.stdin.on('end', () => process.exit(0))
