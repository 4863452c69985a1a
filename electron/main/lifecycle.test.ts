import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { BrowserWindow } from 'electron'
import type { WaybillClient } from '../../shared/contract/index.ts'
import { manageLifecycle } from './lifecycle.ts'

const answers = vi.hoisted(() => ({ next: 0, asked: 0 }))
vi.mock('electron', () => ({
  dialog: {
    showMessageBox: () => {
      answers.asked += 1
      return Promise.resolve({ response: answers.next })
    },
  },
}))

function shell(options: { readonly handsOver?: boolean } = {}) {
  const core = { transfers: 2 }
  const ended = vi.fn(async () => await Promise.resolve())
  const finishing: boolean[] = []
  const window = { hide: vi.fn(), on: vi.fn() } as unknown as BrowserWindow
  const client = { background: { status: async () => await Promise.resolve({ transfers: core.transfers }) } } as unknown as WaybillClient
  const lifecycle = manageLifecycle({ window, client, trayVisible: true, platform: 'linux', handsOver: () => options.handsOver ?? false, onFinishing: (waits) => void finishing.push(waits), end: ended })
  return { core, ended, finishing, lifecycle }
}

describe('quitting while transfers run', () => {
  beforeEach(() => {
    answers.asked = 0
  })

  it('waits for their end when that was chosen', async () => {
    answers.next = 0
    const { core, ended, finishing, lifecycle } = shell()
    const quitting = lifecycle.quit()
    await vi.waitFor(() => expect(finishing).toEqual([true]))
    expect(ended).not.toHaveBeenCalled()
    core.transfers = 0
    await quitting
    expect(ended).toHaveBeenCalledOnce()
  })

  it('does not wait any more when asked a second time', async () => {
    answers.next = 0
    const { ended, finishing, lifecycle } = shell()
    const first = lifecycle.quit()
    await vi.waitFor(() => expect(finishing).toEqual([true]))
    await lifecycle.quit()
    await first
    expect([answers.asked, ended.mock.calls.length]).toEqual([1, 1])
  })

  it('quits at once, or not at all, as it was answered', async () => {
    answers.next = 2
    const stays = shell()
    await stays.lifecycle.quit()
    expect(stays.ended).not.toHaveBeenCalled()
    answers.next = 1
    await stays.lifecycle.quit()
    expect(stays.ended).toHaveBeenCalledOnce()
  })

  it('asks nothing where a service goes on with the work', async () => {
    const { ended, lifecycle } = shell({ handsOver: true })
    await lifecycle.quit()
    expect([answers.asked, ended.mock.calls.length]).toEqual([0, 1])
  })
})
