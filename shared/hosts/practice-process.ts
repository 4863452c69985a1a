import type { PracticePort } from '../core/practice/port.ts'
import { PRACTICE_AS2_ID, PRACTICE_BUCKET, PRACTICE_OUT, PRACTICE_PREFIX } from '../practice/protocol.ts'
import { startPractice } from '../practice/start.ts'
import { PRACTICE_ENTRY } from './locations.ts'

/** The practice partner in a process of its own, on the runtime of this one. */
export function practiceProcess(): PracticePort {
  return {
    async start(folder) {
      const server = await startPractice({ folder, entry: PRACTICE_ENTRY, execPath: process.execPath })
      return {
        host: '127.0.0.1',
        ...server,
        s3: { ...server.s3, bucket: PRACTICE_BUCKET, prefix: PRACTICE_PREFIX },
        out: PRACTICE_OUT,
        as2: { id: PRACTICE_AS2_ID, ...server.as2 },
      }
    },
  }
}
