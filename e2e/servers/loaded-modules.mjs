/** Preloaded into a process of ours: in its end it writes the packages that it has loaded to the file that WAYBILL_TEST_LOADED names, as JSON. */
import { writeFileSync } from 'node:fs'
import { registerHooks } from 'node:module'

const loaded = new Set()
registerHooks({
  load(url, context, next) {
    const name = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1]
    if (name !== undefined) loaded.add(name)
    return next(url, context)
  },
})
process.on('exit', () => {
  // Part of Node, and as heavy as a package.
  if (process.moduleLoadList.some((name) => name.endsWith('internal/deps/undici/undici'))) loaded.add('undici')
  writeFileSync(process.env.WAYBILL_TEST_LOADED ?? '', JSON.stringify([...loaded]))
})
