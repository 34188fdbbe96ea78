import { Writable } from 'node:stream'
import { expect, test } from 'vitest'
import { CatwalkError, Secret } from '../domain/index.ts'
import { createLogger, type LoggerOptions } from './index.ts'

function capture(options: Omit<LoggerOptions, 'output'>) {
  const lines: string[] = []
  const output = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString())
      done()
    },
  })
  return { lines, logger: createLogger({ ...options, output }) }
}

test('a secret in the fields is not written, in either format', () => {
  for (const format of ['json', 'pretty'] as const) {
    const { lines, logger } = capture({ level: 'info', format })
    const secret = new Secret('hunter2')
    logger.child({ key: secret }).info({ nested: { secret }, list: [secret] }, `with ${secret.toString()}`)
    expect(lines.join('')).toContain('[secret]')
    expect(lines.join('')).not.toContain('hunter2')
  }
})

test('an error is written with its causes, but without properties that may hold what a library was given', () => {
  const { lines, logger } = capture({ level: 'info', format: 'json' })
  const cause = Object.assign(new Error('connect refused'), {
    code: 'ECONNREFUSED',
    config: { password: 'hunter2' },
  })
  logger.error(
    { err: new CatwalkError('database_unreachable', 'No database.', { cause }), requestId: 'req_1' },
    'failed',
  )
  expect(JSON.parse(lines.join(''))).toMatchObject({
    level: 'error',
    msg: 'failed',
    requestId: 'req_1',
    err: { code: 'database_unreachable', cause: { code: 'ECONNREFUSED', message: 'connect refused' } },
  })
  expect(lines.join('')).not.toContain('hunter2')
})

test('messages below the level are not written', () => {
  const { lines, logger } = capture({ level: 'warn', format: 'json' })
  logger.info({}, 'no')
  logger.warn({}, 'yes')
  expect(lines).toHaveLength(1)
})

test('a pretty line is one line for people, and hostile text cannot drive their terminal', () => {
  const { lines, logger } = capture({ level: 'info', format: 'pretty' })
  logger.info({ slug: 'everything', ms: 812 }, 'deployment is live\u001b[2J\nforged line')
  expect(lines).toHaveLength(1)
  expect(lines[0]).toMatch(
    /^\d\d:\d\d:\d\d info {2}deployment is live\\x1b\[2J\\x0aforged line {2}slug=everything ms=812\n$/,
  )
})

test('a pretty error is followed by its stack', () => {
  const { lines, logger } = capture({ level: 'info', format: 'pretty' })
  logger.error({ err: new Error('broken') }, 'failed')
  expect(lines.join('')).toMatch(/error failed {2}err=broken\n {4}Error: broken\n {8}at /)
})
