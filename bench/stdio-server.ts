#!/usr/bin/env node
// The stdio server behind a measured bridge: no SDK, so that the bridge's own cost shows. With --modern it speaks
// revision 2026-07-28 only.
import { answerTo, refusalOf, type BenchRequest } from './tools.ts'

const modern = process.argv.includes('--modern')

function answer(message: BenchRequest): string {
  if (message.params?.name === 'crash') process.exit(9)
  // `wait` is never answered.
  if (message.id === undefined || message.params?.name === 'wait') return ''
  const foreign = message.method === (modern ? 'initialize' : 'server/discover')
  return `${foreign ? refusalOf(message) : answerTo(message, modern)}\n`
}

let rest: Buffer[] = []
process.stdin.on('data', (chunk: Buffer) => {
  let out = ''
  let start = 0
  for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
    const line = Buffer.concat([...rest, chunk.subarray(start, end)])
    rest = []
    start = end + 1
    // Sent by our own load client, through the bridge that is measured.
    out += answer(JSON.parse(line.toString()) as BenchRequest)
  }
  if (start < chunk.length) rest.push(chunk.subarray(start))
  if (out !== '') process.stdout.write(out)
})
process.stdin.on('end', () => process.exit(0))
