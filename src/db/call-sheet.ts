import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Pool } from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
import type { CallRecord, CallSheet } from '../domain/index.ts'
import { tellLoss } from './loss-telling-dialect.ts'

/**
 * A sheet takes some hundred calls, and no more memory than this. On a machine of two cores calls wait while PostgreSQL
 * reads one: four times the size takes no less of its time for each call, and makes the slowest calls half as slow again.
 */
const SHEET_BYTES = 65_536
/** What comes before the rows of a binary COPY: its signature, flags and the length of an extension, none. */
const HEADER = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1')
const TRAILER_BYTES = 2
/** All of a row but its texts: number of columns, lengths, time and duration. */
const ROW_BYTES = 2 + 11 * 4 + 8 + 4
/** Of a UTF-16 unit in UTF-8, at most. */
const LETTER_BYTES = 3
/** PostgreSQL counts from 2000-01-01, in microseconds. */
const EPOCH_MS = 946_684_800_000
const UINT32 = 0x1_0000_0000

/** The columns of a row, in this order. */
const CALL_COLUMNS = [
  'at',
  'workspace_id',
  'deployment_id',
  'token_id',
  'subject',
  'method',
  'name',
  'outcome',
  'duration_ms',
  'request_id',
  'trace_id',
] as const

/**
 * A sheet in PostgreSQL's binary form of COPY: https://www.postgresql.org/docs/current/sql-copy.html. Each call is written
 * down as it comes, so that no batch of them holds up other calls, and none is an object that outlives its request.
 */
export function createCallSheet(): CallSheet {
  const bytes = Buffer.allocUnsafeSlow(SHEET_BYTES)
  let end = HEADER.copy(bytes)
  let count = 0

  function text(value: string | null): void {
    if (value === null) {
      end = bytes.writeInt32BE(-1, end)
      return
    }
    const length = bytes.write(value, end + 4)
    end = bytes.writeInt32BE(length, end) + length
  }

  function time(at: Date): void {
    const micros = (at.getTime() - EPOCH_MS) * 1000
    const high = Math.floor(micros / UINT32)
    end = bytes.writeInt32BE(8, end)
    end = bytes.writeInt32BE(high, end)
    end = bytes.writeUInt32BE(micros - high * UINT32, end)
  }

  return {
    get count() {
      return count
    },
    add(call) {
      const needed = ROW_BYTES + LETTER_BYTES * lettersOf(call) + TRAILER_BYTES
      if (needed > SHEET_BYTES - end) return false
      end = bytes.writeInt16BE(CALL_COLUMNS.length, end)
      time(call.at)
      text(call.workspaceId)
      text(call.deploymentId)
      text(call.tokenId)
      text(call.subject)
      text(call.method)
      text(call.name)
      text(call.outcome)
      end = bytes.writeInt32BE(4, end)
      end = bytes.writeFloatBE(call.durationMs, end)
      text(call.requestId)
      text(call.traceId)
      count++
      return true
    },
    rows() {
      bytes.writeInt16BE(-1, end)
      return bytes.subarray(0, end + TRAILER_BYTES)
    },
    clear() {
      end = HEADER.length
      count = 0
    },
  }
}

const STATEMENT = `copy calls (${CALL_COLUMNS.join(', ')}) from stdin (format binary)`

/**
 * Writes all calls of a sheet, or none.
 * @throws CatwalkError `database_unreachable`
 */
export async function copyCalls(pool: Pool, sheet: CallSheet): Promise<void> {
  try {
    const connection = await pool.connect()
    try {
      await pipeline(Readable.from([sheet.rows()]), connection.query(copyFrom(STATEMENT)))
      connection.release()
    } catch (error) {
      // Whether it is still in the middle of a COPY, nobody knows.
      connection.release(true)
      throw error
    }
  } catch (error) {
    throw tellLoss(error)
  }
}

function lettersOf(call: CallRecord): number {
  const { workspaceId, deploymentId, tokenId, subject, method, name, outcome, requestId, traceId } = call
  return (
    workspaceId.length +
    deploymentId.length +
    (tokenId?.length ?? 0) +
    subject.length +
    (method?.length ?? 0) +
    (name?.length ?? 0) +
    outcome.length +
    requestId.length +
    (traceId?.length ?? 0)
  )
}
