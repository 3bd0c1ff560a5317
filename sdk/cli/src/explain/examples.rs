//! For each code that is cheap to produce: the files and the words that give it. Tests run every one.

use modhost::Code;
use serde::Serialize;

/// What gives a code.
#[derive(Debug, Serialize)]
pub(super) struct Example {
    /// Path and text.
    pub(super) files: &'static [(&'static str, &'static str)],
    /// The words after `modhost`.
    pub(super) words: &'static [&'static str],
}

impl Example {
    /// The command as it is typed.
    pub(super) fn command(&self) -> String {
        let quoted = |word: &&str| {
            let plain = word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_./:=".contains(&byte));
            if plain { (*word).to_owned() } else { format!("'{word}'") }
        };
        let words: Vec<String> = self.words.iter().map(quoted).collect();
        format!("modhost {}", words.join(" "))
    }
}

macro_rules! examples {
    ($($code:ident [$($file:literal $text:literal)*] [$($word:literal)*])*) => {
        /// The example of `code`, where there is one.
        pub(super) fn of(code: Code) -> Option<&'static Example> {
            match code {
                $(Code::$code => Some(&Example { files: &[$(($file, $text)),*], words: &[$($word),*] }),)*
                _ => None,
            }
        }
    };
}

examples! {
    ScriptCompile ["wolf.lua" "function main(\n  return 1\nend\n"] ["run" "wolf.lua"]
    ScriptRaised ["wolf.lua" "function main()\n  error('no wolves left')\nend\n"] ["run" "wolf.lua"]
    ScriptType ["wolf.lua" "function main()\n  return print -- functions do not cross\nend\n"] ["run" "wolf.lua"]
    ScriptArity ["wolf.rhai" "fn main(moon) {\n  moon + 1\n}\n"] ["run" "wolf.rhai"]
    ScriptMissingExport ["wolf.lua" "function howl() end\n"] ["run" "wolf.lua" "--call" "howll"]
    ScriptMissingImport
        ["wolf.wat" "(module\n  (import \"world\" \"summon\" (func))\n  (func (export \"main\")))\n"] ["run" "wolf.wat"]
    WasmInvalid ["wolf.wat" "(module\n  (func (export \"main\") (result i32)))\n"] ["run" "wolf.wat"]
    WasmTrap ["wolf.wat" "(module\n  (func (export \"main\") unreachable))\n"] ["run" "wolf.wat"]
    NativeCorrupt ["wolf.so" "not a library\n"] ["run" "wolf.so" "--policy" "development"]
    HostFailed
        ["wolf.lua" "function main()\n  world.hurt(7, 1) -- there is no unit 7\nend\n"]
        ["run" "wolf.lua" "--grant" "world.hurt"]
    HostNoState ["wolf.lua" "local now = world.time() -- runs while the file is loaded\n"] ["run" "wolf.lua"]
    Usage ["wolf.lua" "function main() end\n"] ["run" "wolf.lua" "--memory" "much"]
    AuditBroken ["audit.jsonl" "nobody wrote this\n"] ["audit" "verify" "audit.jsonl"]
    AuditKey ["audit.key" "no key\n" "audit.jsonl" ""] ["audit" "verify" "audit.jsonl" "--key" "audit.key"]
    IoNotFound [] ["run" "no-such.lua"]
    PluginNotFound ["wolf.lua" "function main() end\n"] ["run" "wolf.lua" "--call" "fox:main"]
    LimitFuel ["wolf.lua" "function main()\n  while true do end\nend\n"] ["run" "wolf.lua" "--fuel" "100000"]
    LimitMemory
        ["wolf.lua" "function main()\n  local den = {}\n  while true do den[#den + 1] = string.rep('w', 1000) .. #den end\nend\n"]
        ["run" "wolf.lua" "--memory" "1MiB"]
    LimitDeadline
        ["wolf.lua" "function main()\n  while true do end\nend\n"]
        ["run" "wolf.lua" "--fuel" "1000000000000" "--deadline" "5ms"]
    LimitDepth ["wolf.lua" "function main()\n  return 1 + main()\nend\n"] ["run" "wolf.lua"]
    LimitValue ["wolf.lua" "function main()\n  local den = {}\n  for i = 1, 40 do den = { den } end\n  return den\nend\n"] ["run" "wolf.lua"]
    LimitOutput ["wolf.lua" "function main()\n  while true do print('awoo') end\nend\n"] ["run" "wolf.lua"]
    DeniedCapability ["wolf.lua" "function main()\n  return world.spawn('wild', 'wolf', 0, 12, 3)\nend\n"] ["run" "wolf.lua"]
    DeniedBackend ["wolf.so" "any native library\n"] ["run" "wolf.so"]
    DeniedTrust ["wolf.lua" "function main() end\n"] ["run" "wolf.lua" "--trust" "trusted"]
    PackageNotAPlugin ["wolf.txt" "a note\n"] ["run" "wolf.txt"]
    PackageNoManifest ["wolf/main.lua" "function main() end\n" "wolf/META/files" "modhost-files 1\nwolf\n1.0.0\n"] ["run" "wolf"]
    PackageMissingArtefact
        ["wolf/plugin.toml" "[plugin]\nid = \"wolf\"\nversion = \"1.0.0\"\n\n[entry]\nlua = \"mian.lua\"\n" "wolf/main.lua" "function main() end\n"]
        ["run" "wolf"]
    PackageArchive ["wolf.modpkg" "this is no zip at all\n"] ["run" "wolf.modpkg"]
    PackageNewer ["wolf/plugin.toml" "[plugin]\nid = \"wolf\"\nversion = \"1.0.0\"\n" "wolf/main.lua" "function main() end\n" "wolf/META/files" "modhost-files 2\n"] ["run" "wolf"]
    PackageMeta ["wolf/plugin.toml" "[plugin]\nid = \"wolf\"\nversion = \"1.0.0\"\n" "wolf/main.lua" "function main() end\n" "wolf/META/notes" "mine\n"] ["run" "wolf"]
    PackageIndex ["wolf/plugin.toml" "[plugin]\nid = \"wolf\"\nversion = \"1.0.0\"\n" "wolf/main.lua" "function main() end\n" "wolf/META/files" "main.lua\n"] ["run" "wolf"]
    PackageFileMissing
        ["wolf/plugin.toml" "[plugin]\nid = \"wolf\"\nversion = \"1.0.0\"\n" "wolf/main.lua" "function main() end\n" "wolf/META/files" "modhost-files 1\nwolf\n1.0.0\ne3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 0 howl.lua\n7e4e5819bb9e68ea33a465665c320392e07bf3bf70a9b16070248ad8ebcd421c 20 main.lua\n30e551f3efcaf4a2ea72597eb4e371544ce8207e8fa0059ef34bbfe62c1a12ea 39 plugin.toml\n"]
        ["run" "wolf"]
    PackageFileExtra
        ["wolf/plugin.toml" "[plugin]\nid = \"wolf\"\nversion = \"1.0.0\"\n" "wolf/main.lua" "function main() end\n" "wolf/META/files" "modhost-files 1\nwolf\n1.0.0\n7e4e5819bb9e68ea33a465665c320392e07bf3bf70a9b16070248ad8ebcd421c 20 main.lua\n"]
        ["run" "wolf"]
    PackageFileChanged
        ["wolf/plugin.toml" "[plugin]\nid = \"wolf\"\nversion = \"1.0.0\"\n" "wolf/main.lua" "function main() end\n" "wolf/META/files" "modhost-files 1\nwolf\n1.0.0\nd9298a10d1b0735837dc4bd85dac641b0f3cef27a47e5d53a54f2f3f5b2fcffa 5 main.lua\n30e551f3efcaf4a2ea72597eb4e371544ce8207e8fa0059ef34bbfe62c1a12ea 39 plugin.toml\n"]
        ["run" "wolf"]
    PackageLeftOut
        ["wolf/plugin.toml" "[plugin]\nid = \"wolf\"\nversion = \"1.0.0\"\n\n[entry]\nlua = \"wolf.lua\"\n" "wolf/wolf.lua" "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n-----END PRIVATE KEY-----\n"]
        ["pack" "wolf"]
    PackageManifest
        ["wolf/plugin.toml" "[plugin]\nid = \"wolf\"\nversion = \"1.0.0\"\n" "wolf/main.lua" "function main() end\n" "wolf/META/files" "modhost-files 1\nfox\n1.0.0\n7e4e5819bb9e68ea33a465665c320392e07bf3bf70a9b16070248ad8ebcd421c 20 main.lua\n30e551f3efcaf4a2ea72597eb4e371544ce8207e8fa0059ef34bbfe62c1a12ea 39 plugin.toml\n"]
        ["run" "wolf"]
    ManifestSyntax ["wolf/plugin.toml" "[plugin\n" "wolf/main.lua" ""] ["run" "wolf"]
    ManifestUnknownKey
        ["wolf/plugin.toml" "[plugin]\nid = \"wolf\"\nversion = \"1.0.0\"\n\n[limits]\nfule = 1000\n" "wolf/main.lua" ""] ["run" "wolf"]
    ManifestMissingKey ["wolf/plugin.toml" "[plugin]\nid = \"wolf\"\n" "wolf/main.lua" ""] ["run" "wolf"]
    ManifestId ["wolf/plugin.toml" "[plugin]\nid = \"Wolf Pack\"\nversion = \"1.0.0\"\n" "wolf/main.lua" ""] ["run" "wolf"]
    ManifestVersion ["wolf/plugin.toml" "[plugin]\nid = \"wolf\"\nversion = \"1\"\n" "wolf/main.lua" ""] ["run" "wolf"]
    ManifestSize
        ["wolf/plugin.toml" "[plugin]\nid = \"wolf\"\nversion = \"1.0.0\"\n\n[limits]\nmemory = \"much\"\n" "wolf/main.lua" ""] ["run" "wolf"]
    ManifestDuration
        ["wolf/plugin.toml" "[plugin]\nid = \"wolf\"\nversion = \"1.0.0\"\n\n[limits]\ndeadline = \"soon\"\n" "wolf/main.lua" ""] ["run" "wolf"]
    ManifestNewer
        ["wolf/plugin.toml" "manifest = 99\n\n[plugin]\nid = \"wolf\"\nversion = \"1.0.0\"\n" "wolf/main.lua" ""] ["run" "wolf"]
    PolicyUnknown ["wolf.lua" "function main() end\n"] ["run" "wolf.lua" "--policy" "casino"]
    ResolveMissing
        ["mods/wolf/plugin.toml" "[plugin]\nid = \"wolf\"\nversion = \"1.0.0\"\n\n[dependencies]\nforest = \"^1\"\n" "mods/wolf/main.lua" ""]
        ["run" "mods"]
    ResolveContract
        ["mods/wolf/plugin.toml" "[plugin]\nid = \"wolf\"\nversion = \"1.0.0\"\n\n[requires]\nworld = \"^9\"\n" "mods/wolf/main.lua" ""]
        ["run" "mods"]
    ResolveEngine
        ["mods/wolf/plugin.toml" "[plugin]\nid = \"wolf\"\nversion = \"1.0.0\"\nengine = \"^9\"\n" "mods/wolf/main.lua" ""]
        ["run" "mods"]
    ScriptImportCycle
        ["wolf/plugin.toml" "[plugin]\nid = \"wolf\"\nversion = \"1.0.0\"\n" "wolf/main.lua" "local den = require('./den')\nfunction main() end\n" "wolf/den.lua" "return { wolf = require('./main') }\n"]
        ["run" "wolf"]
    LimitGroup
        ["wolf/plugin.toml" "[plugin]\nid = \"acme.wolf\"\nversion = \"1.0.0\"\n" "wolf/main.lua" "function main() end\n" "arena.toml" "group_by = \"publisher\"\n\n[groups.acme]\nplugins = 0\n"]
        ["run" "wolf" "--policy" "arena.toml"]
    LimitInstances
        ["mods/fox.lua" "" "mods/wolf.lua" "function main() end\n" "arena.toml" "instances = 1\n"]
        ["run" "mods" "--policy" "arena.toml" "--call" "wolf:main"]
    PackageEscapes
        ["wolf/plugin.toml" "[plugin]\nid = \"wolf\"\nversion = \"1.0.0\"\n\n[entry]\nlua = \"../main.lua\"\n" "main.lua" ""] ["run" "wolf"]
    PackageTooLarge
        ["wolf.lua" "function main() end\n" "arena.toml" "[caps]\nfile = \"8B\"\n"] ["run" "wolf.lua" "--policy" "arena.toml"]
    PackageName
        ["wolf/plugin.toml" "[plugin]\nid = \"wolf\"\nversion = \"1.0.0\"\n\n[entry]\nlua = \"lib//main.lua\"\n" "wolf/lib/main.lua" ""] ["run" "wolf"]
    ManifestName
        ["wolf/plugin.toml" "[plugin]\nid = \"wolf\"\nversion = \"1.0.0\"\n\n[capabilities]\nrequired = [\"Spawn Wolves\"]\n" "wolf/main.lua" ""] ["check" "wolf"]
    PolicySyntax
        ["wolf.lua" "function main() end\n" "arena.toml" "[untrusted\n"]
        ["run" "wolf.lua" "--policy" "arena.toml"]
    PolicyUnknownKey
        ["wolf.lua" "function main() end\n" "arena.toml" "[untrusted]\nfule = 200000\n"]
        ["run" "wolf.lua" "--policy" "arena.toml"]
    PolicyValue
        ["wolf.lua" "function main() end\n" "arena.toml" "[untrusted]\nisolation = \"strong\"\n"]
        ["run" "wolf.lua" "--policy" "arena.toml"]
    PolicySize
        ["wolf.lua" "function main() end\n" "arena.toml" "[untrusted]\nmemory = \"much\"\n"]
        ["run" "wolf.lua" "--policy" "arena.toml"]
    PolicyDuration
        ["wolf.lua" "function main() end\n" "arena.toml" "[untrusted]\ndeadline = \"soon\"\n"]
        ["run" "wolf.lua" "--policy" "arena.toml"]
    PolicySourceFormat
        ["wolf.wat" "(module\n  (func (export \"main\")))\n" "arena.toml" "source_formats = false\n"]
        ["run" "wolf.wat" "--policy" "arena.toml"]
    ResolveUnsatisfiable
        ["mods/wolf/plugin.toml" "[plugin]\nid = \"wolf\"\nversion = \"1.0.0\"\n\n[dependencies]\nforest = \"^2\"\n" "mods/wolf/main.lua" "" "mods/forest.lua" "-- a single file is 0.0.0\n"]
        ["check" "mods"]
    ResolveConflict
        ["mods/wolf/plugin.toml" "[plugin]\nid = \"wolf\"\nversion = \"1.0.0\"\n\n[conflicts]\nfox = \"*\"\n" "mods/wolf/main.lua" "" "mods/fox.lua" ""]
        ["check" "mods"]
    ResolveCycle
        ["mods/wolf/plugin.toml" "[plugin]\nid = \"wolf\"\nversion = \"1.0.0\"\n\n[dependencies]\nfox = \"*\"\n" "mods/wolf/main.lua" "" "mods/fox/plugin.toml" "[plugin]\nid = \"fox\"\nversion = \"1.0.0\"\n\n[dependencies]\nwolf = \"*\"\n" "mods/fox/main.lua" ""]
        ["check" "mods"]
    PackageSameVersion
        ["mods/wolf/plugin.toml" "[plugin]\nid = \"wolf\"\nversion = \"1.0.0+spring\"\n" "mods/wolf/main.lua" "" "mods/wolf2/plugin.toml" "[plugin]\nid = \"wolf\"\nversion = \"1.0.0+summer\"\n" "mods/wolf2/main.lua" ""]
        ["check" "mods"]
    ResolveBudget
        ["mods/wolf/plugin.toml" "[plugin]\nid = \"wolf\"\nversion = \"1.0.0\"\n\n[dependencies]\nfox = { order = false }\n" "mods/wolf/main.lua" "" "mods/fox/plugin.toml" "[plugin]\nid = \"fox\"\nversion = \"1.0.0\"\n\n[dependencies]\nwolf = { order = false }\n" "mods/fox/main.lua" "" "arena.toml" "[resolve]\nbudget = 0\n"]
        ["resolve" "mods" "--policy" "arena.toml"]
    ResolveLocked
        ["mods/wolf/plugin.toml" "[plugin]\nid = \"wolf\"\nversion = \"2.0.0\"\n" "mods/wolf/main.lua" "" "modhost.lock" "lock = 1\n\n[[plugin]]\nid = \"wolf\"\nversion = \"1.0.0\"\nsource = \"wolf\"\nafter = []\n"]
        ["resolve" "mods" "--lock" "modhost.lock"]
    PackageLockfile
        ["mods/wolf.lua" "" "modhost.lock" "lock = 1\n<<<<<<< ours\n"] ["resolve" "mods" "--lock" "modhost.lock"]
    PackageModSet
        ["mods/wolf.lua" "" "friday.modset" "modhost-set 1\nactive friday\n\nprofile friday\n+ wolf\n"] ["set" "import" "friday.modset" "mods"]
    LifecycleDependency
        ["mods/fox/plugin.toml" "[plugin]\nid = \"fox\"\nversion = \"1.0.0\"\n\n[dependencies]\nden = \"*\"\n" "mods/fox/main.lua" "function main() end\n" "mods/den/plugin.toml" "[plugin]\nid = \"den\"\nversion = \"1.0.0\"\n" "mods/den/main.lua" "function on_enable()\n  error('flooded')\nend\n"]
        ["run" "mods" "--call" "fox:main"]
    PackageDuplicate
        ["mods/wolf.lua" "" "mods/wolf.rhai" ""] ["check" "mods"]
    VerifyKey
        [] ["trust" "add" "ed25519:0100000000000000000000000000000000000000000000000000000000000000" "--namespace" "*" "--store" "trust.toml"]
    TrustSyntax ["trust.toml" "store = \n"] ["trust" "list" "--store" "trust.toml"]
    TrustUnknownField ["trust.toml" "store = 1\ngeneration = 1\nforbid = \"everything\"\n"] ["trust" "list" "--store" "trust.toml"]
    TrustMissingField ["trust.toml" "generation = 1\n"] ["trust" "list" "--store" "trust.toml"]
    TrustValue
        ["trust.toml" "store = 1\ngeneration = 1\n\n[thresholds]\n\"Acme.*\" = 2\n"] ["trust" "list" "--store" "trust.toml"]
    TrustNewer ["trust.toml" "store = 99\ngeneration = 1\n"] ["trust" "list" "--store" "trust.toml"]
    TrustThreshold
        ["trust.toml" "store = 1\ngeneration = 1\n\n[thresholds]\n\"acme.*\" = 0\n"] ["trust" "list" "--store" "trust.toml"]
    TrustNoKey
        ["trust.toml" "store = 1\ngeneration = 1\n"] ["trust" "remove" "40302329e41f3cc7" "--store" "trust.toml"]
    TrustNoEntry
        ["trust.toml" "store = 1\ngeneration = 1\n"] ["trust" "restore" "acme.wolf@<1.2.0" "--store" "trust.toml"]
    TrustDelegation
        ["acme.delegation" "modhost-delegation 1\n"] ["trust" "add" "--delegation" "acme.delegation" "--store" "trust.toml"]
    TrustList
        ["acme.revoked" "modhost-revocations 1\n"] ["trust" "revoke" "--list" "acme.revoked" "--store" "trust.toml"]
    TrustKeyExposed ["acme.pem" "-----BEGIN PRIVATE KEY-----\nfor everybody to read\n-----END PRIVATE KEY-----\n"] ["key" "show" "acme.pem"]
}
