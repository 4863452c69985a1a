import { Settings } from '../../contract/workspace.ts'
import type { Database } from '../store/database.ts'

const DEFAULTS: Settings = { theme: 'system', onClose: 'ask', notifications: true, metered: 'wait', diskReserveMiB: 256, startAtLogin: false, keepAwake: true }

export interface SettingsStore {
  get(): Settings
  change(change: { readonly [K in keyof Settings]?: Settings[K] | undefined }): Settings
}

/** What a person chose for this installation. A value that is no longer understood counts as not chosen. */
export function createSettings(database: Database): SettingsStore {
  const get = (): Settings => {
    const rows = database.prepare<[], { key: string; value: string }>('SELECT key, value FROM settings').all()
    const stored = Object.fromEntries(rows.map(({ key, value }) => [key, jsonValue(value)]))
    const entries = Object.entries(Settings.shape).flatMap(([key, schema]) => {
      const parsed = schema.safeParse(stored[key])
      return parsed.success ? [[key, parsed.data]] : []
    })
    return { ...DEFAULTS, ...(Object.fromEntries(entries) as Partial<Settings>) }
  }
  return {
    get,
    change(change) {
      database.transaction(() => {
        for (const [key, value] of Object.entries(change))
          if (value !== undefined)
            database.prepare('INSERT INTO settings (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value').run(key, JSON.stringify(value))
      })
      return get()
    },
  }
}

function jsonValue(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
