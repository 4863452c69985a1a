/** Packaging: what goes into the application, and which of Electron's doors are walled up. */
import type { Configuration } from 'electron-builder'

/** What the pinned Node runs lies beside the archive: Node reads no archives, and addons are loaded from files. */
const UNPACKED = ['dist/core/**', 'dist/renderer/**', 'resources/**', 'node_modules/**']

/** The runtime of the core for one target; `${arch}` is filled in by electron-builder. */
const nodeFrom = (platform: 'linux' | 'win', binary: string): { from: string; to: string } => ({ from: `node_modules/node-${platform}-\${arch}/bin/${binary}`, to: `node/${binary}` })

const configuration: Configuration = {
  appId: 'app.waybill.desktop',
  productName: 'Waybill',
  directories: { output: 'release', buildResources: 'resources' },
  files: ['dist/**', '!dist/**/*.map', 'resources/**', 'package.json', '!node_modules/node-{linux,win}-*/**', '!**/*.{md,ts,map}', '!**/{test,tests,example,examples}/**'],
  asar: true,
  asarUnpack: UNPACKED,
  // Every addon is Node-API and comes built; a rebuild against Electron's headers would only add a compiler to what is needed.
  npmRebuild: false,
  nodeGypRebuild: false,
  buildDependenciesFromSource: false,
  electronFuses: {
    // Otherwise the signed binary would run anybody's script, with our name and our keychain.
    runAsNode: false,
    enableNodeOptionsEnvironmentVariable: false,
    enableNodeCliInspectArguments: false,
    enableCookieEncryption: true,
    enableEmbeddedAsarIntegrityValidation: true,
    onlyLoadAppFromAsar: true,
    loadBrowserProcessSpecificV8Snapshot: false,
    // The page comes over app://; file:// gets nothing beyond what any web page has.
    grantFileProtocolExtraPrivileges: false,
  },
  linux: { target: ['AppImage', 'deb'], category: 'Office', icon: 'resources/icon.png', extraResources: [nodeFrom('linux', 'node')] },
  win: { target: ['nsis'], icon: 'resources/icon.png', extraResources: [nodeFrom('win', 'node.exe')] },
  // Nothing is uploaded from a build; releases are an act of their own.
  publish: null,
}

export default configuration
