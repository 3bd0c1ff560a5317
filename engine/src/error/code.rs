//! [`Code`]: the catalogue of everything that can go wrong, one stable dotted name per cause.

use std::{fmt, str::FromStr};

macro_rules! catalogue {
    ($($variant:ident $name:literal $exit:literal $cause:literal $remedy:literal)*) => {
        /// A stable name for one cause of failure, as `modhost explain CODE` prints it.
        ///
        /// ```
        /// use modhost::Code;
        ///
        /// let code: Code = "limit.fuel".parse()?;
        /// assert_eq!(code, Code::LimitFuel);
        /// assert_eq!(code.exit_status(), 3);
        /// # Ok::<(), modhost::UnknownCode>(())
        /// ```
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        #[non_exhaustive]
        pub enum Code {
            $(#[doc = concat!("`", $name, "`: ", $cause)] $variant,)*
        }

        impl Code {
            /// Every code, in the order of the catalogue.
            pub const ALL: &[Code] = &[$(Code::$variant),*];

            /// The dotted name.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Code::$variant => $name,)* }
            }

            /// The exit status of the command for it.
            #[must_use]
            pub fn exit_status(self) -> u8 {
                match self { $(Code::$variant => $exit,)* }
            }

            /// What it means, a sentence or two.
            #[must_use]
            pub fn cause(self) -> &'static str {
                match self { $(Code::$variant => $cause,)* }
            }

            /// What to do about it, a sentence or two.
            #[must_use]
            pub fn remedy(self) -> &'static str {
                match self { $(Code::$variant => $remedy,)* }
            }
        }
    };
}

catalogue! {
    ScriptCompile "script.compile" 1
        "The script does not compile."
        "Correct the place that the error names; nothing of the plugin was loaded."
    ScriptRaised "script.raised" 1
        "The plugin's own code raised an error (`error`, `throw`, a panic) and did not catch it."
        "Look at the place and the trace in the plugin's source."
    ScriptType "script.type" 1
        "A value is not of the type that was asked for. Int and Float never convert silently, functions do not cross, several results are not one value."
        "Convert in the script, or correct the argument: `1` is an int, `1.0` a float."
    ScriptArity "script.arity" 1
        "A function was called with a wrong number of arguments."
        "Give as many arguments as `modhost inspect` or the function's source shows."
    ScriptMissingExport "script.missing-export" 1
        "The plugin has no export of this name."
        "Exports are: in Lua the fields of the table that the file returns, else its global functions; in Rhai its public functions; in wasm and native libraries their exports."
    ScriptMissingImport "script.missing-import" 1
        "The plugin uses a host function that is not offered to it, or a file that it does not have."
        "Name the function's contract under [requires] in plugin.toml, and check the spelling and the types of its parameters."
    ScriptImportCycle "script.import-cycle" 1
        "Files of the plugin import each other in a circle."
        "Move what both need into a third file."
    WasmInvalid "wasm.invalid" 1
        "The WebAssembly module does not validate, or uses a proposal that is switched off."
        "Build for wasm32-unknown-unknown without threads, 64-bit memory, several memories or SIMD."
    WasmTrap "wasm.trap" 1
        "The WebAssembly code trapped: an `unreachable`, a division by zero, an access out of bounds. The instance is gone."
        "Debug the module; reload the plugin to go on."
    WasmAbi "wasm.abi" 1
        "A WebAssembly guest that uses the value codec broke the guest ABI: a pointer out of range, a malformed value, a missing export."
        "Compare the guest with sdk/abi/ABI.md."
    NativeAbi "native.abi" 1
        "The native library's table is malformed or of an ABI version that this host does not speak."
        "Rebuild the library with the modhost-plugin or modhost.h of this release."
    NativeArch "native.arch" 1
        "The native library is built for another processor or system."
        "Ship an artefact for this target under [entry] native.OS-ARCH, or a wasm build beside it."
    NativeCorrupt "native.corrupt" 1
        "The native library is damaged or no library at all; it was not opened."
        "Copy or build it again."
    NativeMissingSymbol "native.missing-symbol" 1
        "The library does not export the entry symbol of a modhost plugin; it was not opened."
        "Build it with modhost-plugin's `plugin!` or define the symbol as modhost.h shows."
    NativeNeedsLibrary "native.needs-library" 1
        "The native library needs libraries beyond the system's, or brings a search path of its own."
        "Link such libraries statically and drop the rpath."
    NativeCrashed "native.crashed" 1
        "The native plugin reported a state that it cannot go on from. The instance is gone."
        "Reload the plugin; tell its author."
    NativeIsolationUnavailable "native.isolation-unavailable" 4
        "This platform lacks the mechanism that loading a native library safely needs."
        "Use the plugin's wasm build here."
    HostFailed "host.failed" 1
        "A host function returned an error to the plugin, which did not catch it."
        "The message is the host's; the place is the plugin's call."
    HostPanicked "host.panicked" 1
        "A host function panicked. The panic was caught; the host goes on."
        "This is a bug of the host, not of the plugin."
    HostBusy "host.busy" 1
        "The plugin is already running a call: it was re-entered through the host, or another thread is in it."
        "Let the outer call return first."
    HostCannotSuspend "host.cannot-suspend" 1
        "The plugin called a host function that answers later, where its call cannot be suspended."
        "Call the plugin with `engine.start` and answer with `engine.resume`. A script calls such a function outside of its own coroutines, of metamethods and of callbacks (`sort`, `gsub`); Rhai and native plugins, hooks and loading can never be suspended."
    HostNoState "host.no-state" 1
        "A host function needs the host's state, and none is lent: plugins load without it, and one host function has it at a time."
        "Do such work in `on_enable`, not while the file is loaded."
    HostStaleHandle "host.stale-handle" 1
        "A handle was minted for another plugin, or what it meant is gone."
        "Keep no handle beyond what it stands for; ask the host for a new one."
    HostStateMismatch "host.state-mismatch" 1
        "The call lent a state of another type than the host function was registered for."
        "Pass the same type to `engine.call` as the closures take."
    PluginKilled "plugin.killed" 1
        "The plugin hit a limit or trapped in an earlier call and is gone; it is never entered again."
        "Load it again. The earlier error says why it ended."
    PluginDisabled "plugin.disabled" 1
        "The plugin is disabled."
        "Enable it first."
    PluginQuarantined "plugin.quarantined" 1
        "The host took the plugin out of service. Its instance is gone, and only unloading it leads on."
        "The history says why. Unload it, and load it again when the reason is gone."
    LifecycleIllegal "lifecycle.illegal" 1
        "The plugin cannot take this step where it stands: one that is active cannot be enabled again."
        "Ask where it stands first: its state is in the list of plugins, and how it came there in its history."
    LifecycleDependency "lifecycle.dependency" 1
        "The plugin was not enabled, because one that it needs is not."
        "Look at what keeps the other from being enabled, and enable it first."
    LifecycleDependents "lifecycle.dependents" 1
        "The plugin is needed by others that are in use."
        "Take those away first, or ask for the cascade, which does and says so."
    LifecycleShutdown "lifecycle.shutdown" 1
        "The engine was shut down, and loads nothing any more."
        "Build another engine."
    CallInterrupted "call.interrupted" 1
        "The host ended the call."
        "Nothing to mend in the plugin; it must be loaded again."
    IoFailed "io.failed" 1
        "A file could not be read or written."
        "Look at the system's message in the error."
    AuditFailed "audit.failed" 1
        "A plugin was not loaded or enabled, or a capability not granted, because the audit could not record it. What is loaded goes on."
        "Mend what keeps the audit's sink from writing (a full disk, say), and do it again; or build the engine with AuditPolicy::Continue."
    AuditLocked "audit.locked" 1
        "Another process, or another log of this one, writes this audit log; two writers would tear its chain."
        "End the other, share one FileLog between engines, or name another file."
    Usage "usage" 2
        "The command's words do not fit together."
        "See `modhost --help` or the verb's `--help`."
    IoNotFound "io.not-found" 2
        "There is nothing at the path."
        "Check the spelling and the current folder."
    PluginNotFound "plugin.not-found" 2
        "No plugin of this name or handle is loaded."
        "`modhost list` shows what is there; a handle ends with its plugin."
    LimitFuel "limit.fuel" 3
        "The call used up its fuel (instructions). The instance is gone, whatever the plugin caught."
        "Do less per call, or ask for more: [limits] fuel in plugin.toml, or --fuel for one run."
    LimitMemory "limit.memory" 3
        "The plugin needs more memory than it may have, or all plugins together hold more than the policy's `total_memory`. The instance is gone."
        "Hold less, or ask for more: [limits] memory in plugin.toml, or --memory for one run."
    LimitDeadline "limit.deadline" 3
        "The call ran longer than its deadline. The instance is gone."
        "Do less per call, or ask for more: [limits] deadline in plugin.toml, or --deadline for one run."
    LimitDepth "limit.depth" 3
        "Calls are nested too deeply: recursion in the plugin, or host and plugins calling each other."
        "Give the recursion an end, or use a loop."
    LimitValue "limit.value" 3
        "A value that crosses between host and plugin is too large or nested too deeply."
        "Pass less at once, in several calls if need be."
    LimitOutput "limit.output" 3
        "The call printed more than it may."
        "Print less."
    LimitGroup "limit.group" 3
        "The plugins of one group (of an owner, a player, a tenant) together have what the group may have. A call or load is refused while its fuel or time is used up; the plugin that goes beyond what was left is ended, and so is the one that grows last beyond the group's memory."
        "Wait for the next period, unload another plugin of the group, or raise the group's limits: [groups.NAME] in the policy, or set_group."
    LimitQueue "limit.queue" 3
        "So many events wait for a plugin that it takes no more until some are delivered. The event reached those that had room; nobody was ended."
        "Publish less in one call, or ask for more in the listener's plugin.toml: [limits] queue."
    LimitInstances "limit.instances" 3
        "The engine holds as many plugins as its policy allows."
        "Unload one that is not needed (a killed plugin counts until it is unloaded), or raise `instances` in the policy."
    DeniedCapability "denied.capability" 4
        "The plugin called a host function whose capability it was not granted."
        "Ask for it in plugin.toml under [capabilities]; the player or the game must grant it too (--grant CAP for one run)."
    DeniedBackend "denied.backend" 4
        "No artefact of the plugin has a backend that enforces what its trust demands."
        "Ship a wasm or script build beside the native one, earn more trust, or use --policy development on your own machine."
    DeniedTrust "denied.trust" 4
        "The policy refuses plugins of this trust."
        "Have the plugin signed, or choose a policy that admits it."
    PackageEscapes "package.escapes" 4
        "A path or link of the plugin leads out of its folder."
        "Keep every file of a plugin inside its folder, without links out of it."
    PackageSpecialFile "package.special-file" 4
        "The plugin holds something that is neither a plain file nor a folder."
        "Remove devices, sockets and pipes."
    PackageTooLarge "package.too-large" 4
        "A file, or all files of the plugin together, are larger than the cap, or there are too many of them."
        "Ship less; the cap is the policy's."
    PackageName "package.name" 4
        "A path inside the plugin is not portable: it must be plain UTF-8 parts without `..`, backslashes or device names."
        "Rename the file."
    PackageNotAPlugin "package.not-a-plugin" 4
        "The path is neither a plugin file (.lua .rhai .wat .wasm .so .dll .dylib), a package (.modpkg), a folder with plugin.toml, nor a folder of these."
        "Name a plugin, or put a plugin.toml into the folder."
    PackageMissingArtefact "package.missing-artefact" 4
        "A file that the manifest names under `[entry]` is not there, and no other artefact can be taken."
        "Build it, or take the line out."
    PackageDuplicate "package.duplicate" 4
        "Two plugins have the same id and version, or one of the id is loaded already."
        "Remove one of them."
    PackageSameVersion "package.same-version" 4
        "Two packages of one id have versions that differ in build metadata only (1.0.0+a and 1.0.0+b): neither comes before the other, so both are refused."
        "Remove one of them, or give the newer one a higher version."
    PackageArchive "package.archive" 4
        "The file is not built as modhost builds packages: no zip, a zip of another tool, cut off, or with bytes, fields or entries that a package does not have."
        "Pack the plugin's folder with `modhost pack`; fetch a download again."
    PackageDamaged "package.damaged" 4
        "The package's bytes are not those that were packed: a checksum does not hold, or a file does not inflate."
        "Copy or download the package again."
    PackageNewer "package.newer" 4
        "The package is of a newer format than this engine reads."
        "Update the game, or ask the author for an older release."
    PackageRatio "package.ratio" 4
        "A file of the package inflates to so many times its packed size that it can only be meant to fill the memory."
        "Pack the folder with `modhost pack`, which stores such files as they are; the cap is the policy's: [caps] ratio."
    PackageMeta "package.meta" 4
        "The folder META of a plugin holds something else than `files` and `signatures`, or lacks the list of files."
        "Keep your own files out of META; `modhost pack` makes what is in it."
    PackageIndex "package.index" 4
        "META/files is not what modhost writes."
        "Pack the plugin's folder again; the list is never written by hand."
    PackageFileMissing "package.file-missing" 4
        "A file that META/files lists is not in the plugin."
        "Get the package again. An author who removed the file removes META too, and packs again."
    PackageFileExtra "package.file-extra" 4
        "The plugin has a file that META/files does not list."
        "Get the package again. An author who added the file removes META, and packs again."
    PackageFileChanged "package.file-changed" 4
        "A file of the plugin is not the one that META/files lists: its size or digest is another."
        "Get the package again. An author who changed the file removes META, and packs again."
    PackageManifest "package.manifest" 4
        "plugin.toml names another id or version than META/files."
        "Pack the plugin's folder again."
    PackageLockfile "package.lockfile" 4
        "The lockfile is not what modhost writes, or holds no digest of a plugin where it is signed."
        "Look at the line that the error names; after a merge, keep one block of each plugin. Or remove the file and lock the set again."
    PackageModSet "package.mod-set" 4
        "The text of a mod set is not what modhost writes."
        "Look at the line that the error names, and take care to copy all of the text."
    VerifyEnvelope "verify.envelope" 4
        "META/signatures, or what lies beside a lockfile, is not the text that modhost writes: one spelling, sorted, bounded."
        "Sign the package, or the lockfile, again; nothing of it was loaded."
    VerifyNewer "verify.newer" 4
        "META/signatures is of a newer form than this engine reads."
        "Update the game, or have the package signed in the older form."
    VerifyAlgorithm "verify.algorithm" 4
        "A signature is of another algorithm than ed25519, the only one there is."
        "Sign the package with a key that `modhost key new` made."
    VerifyKey "verify.key" 4
        "A public key is malformed, not in its canonical form, or weak, so that anybody can forge signatures under it."
        "Ask whoever gave you the key for the right one; make keys by `modhost key new`."
    VerifyDuplicate "verify.duplicate" 4
        "Two signatures of a package are by one key."
        "Sign again: a key signs once, and two keys are two keys."
    VerifyTooMany "verify.too-many" 4
        "A package has more signatures than are looked at."
        "Keep the signatures that matter; 16 are the most."
    VerifyBadSignature "verify.bad-signature" 4
        "A signature does not hold: the package, the lockfile or the signature was changed since."
        "Get the package, or the lockfile with its signatures, again from where it comes from. Do not use this one."
    VerifyExpired "verify.expired" 4
        "A signature has come to the end that its signer gave it."
        "Get a release that is signed anew."
    VerifyLifetime "verify.lifetime" 4
        "A signature has no end, or one later than the policy takes (`signature_max_age`)."
        "Have the package signed with an end within that time."
    VerifyUnknownSigner "verify.unknown-signer" 4
        "The package is well signed, by keys that nobody here knows, and the policy wants a known one."
        "If you trust the signer, add the key to the trust store: `modhost trust add`."
    VerifyThreshold "verify.threshold" 4
        "Fewer different keys signed the package than the trust store or the policy wants."
        "Have it signed by another key of the store."
    VerifyRefused "verify.refused" 4
        "The game that loads plugins has a check of its own, and it refused this one. A check that panics refuses, too."
        "The message has the game's reason; ask whoever runs the game or the server."
    TrustSyntax "trust.syntax" 4
        "The trust store is not TOML, or a value has the wrong type."
        "Correct the place that the error names; nothing of the store is in force."
    TrustUnknownField "trust.unknown-field" 4
        "The trust store has a field that this engine does not know, and that may be what forbids something."
        "The error names the nearest known field; a newer modhost may have written it."
    TrustMissingField "trust.missing-field" 4
        "The trust store lacks a field that is needed."
        "Add the field that the error names."
    TrustValue "trust.value" 4
        "A value of the trust store is malformed, there twice, or out of bounds."
        "Correct what the error names."
    TrustNewer "trust.newer" 4
        "The trust store, a delegation, a revocation list or the file of what was seen is of a newer form than this engine reads."
        "Update the game."
    TrustThreshold "trust.threshold" 4
        "A threshold is 0, which a package without any signature would meet, or above 16, the most signatures that a package holds."
        "Write 1 to 16; what is to be taken unsigned, the policy says."
    TrustNoKey "trust.no-key" 4
        "The key is not in the trust store."
        "`modhost trust list` shows the keys there are."
    TrustNoEntry "trust.no-entry" 4
        "What is to be taken back is not in the trust store: a pin, a revocation, a threshold or an allowed package."
        "`modhost trust list` shows what there is, as it is written."
    TrustGeneration "trust.generation" 4
        "The trust store is older than the one that was seen here before."
        "Bring the newer store back; somebody may want you to forget a revocation."
    TrustSealed "trust.sealed" 4
        "The trust store is encrypted and does not open, or is not encrypted where it must be."
        "Use the key that it was sealed with; a store that was changed cannot be opened by any."
    TrustKeyFile "trust.key-file" 4
        "The file holds no key of ed25519 in PEM, or the private key in it does not open with the passphrase."
        "Name a file that `modhost key new` or `openssl genpkey -algorithm ed25519` wrote."
    TrustKeyExposed "trust.key-exposed" 4
        "Others than its owner may read or write the file of a private key."
        "Take the rights back (`chmod 600 FILE`); if it was on a shared machine, make a new key."
    TrustRevoked "trust.revoked" 4
        "The package, or a key that signed it, was revoked."
        "Use a release that is not revoked; the error says why this one is."
    TrustKeyExpired "trust.key-expired" 4
        "A key that signed the package has come to its end in the trust store."
        "Get a release that is signed by the key's successor, or prolong the key."
    TrustKeyNotYet "trust.key-not-yet" 4
        "A key that signed the package does not count yet."
        "Look at the clock, and at the key's begin in the trust store."
    TrustNamespace "trust.namespace" 4
        "A key of the trust store signed a plugin that it may not vouch for."
        "Find out why it did. If it may, widen its namespaces: `modhost trust add`."
    TrustCeiling "trust.ceiling" 4
        "A key signed the package whose ceiling in the trust store allows no trust."
        "Raise the key's ceiling, if its signature is to count."
    TrustDelegation "trust.delegation" 4
        "The text of a delegation is not what modhost writes."
        "Get it again from whoever gave it."
    TrustDelegationSignature "trust.delegation-signature" 4
        "A delegation is not signed by the key that it names."
        "Get the delegation again from whoever gave it."
    TrustDelegationRoot "trust.delegation-root" 4
        "A delegation leads to no key of the store that may delegate."
        "Add the delegating key with the role `delegate`, or take the delegation out."
    TrustDelegationDepth "trust.delegation-depth" 4
        "A chain of delegations is more than three links long."
        "Have a key nearer to the root delegate."
    TrustDelegationLoop "trust.delegation-loop" 4
        "Delegations lead in a circle."
        "Take one of them out."
    TrustDelegationWidens "trust.delegation-widens" 4
        "A delegation gives more than the delegating key has: other plugins, more trust, or more time."
        "Have it signed anew within what the delegating key has."
    TrustDelegationExpired "trust.delegation-expired" 4
        "A key signed the package by a delegation that has ended or not begun."
        "Get a newer delegation from the delegating key."
    TrustList "trust.list" 4
        "A revocation list is not the text that modhost writes."
        "Get it again from its issuer."
    TrustListIssuer "trust.list-issuer" 4
        "A revocation list is by a key that may not revoke here: it is not in the store, has not the role, or is at its end."
        "Give the issuer's key the role `revoke`, if you trust it to."
    TrustListSignature "trust.list-signature" 4
        "A revocation list is not signed by its issuer."
        "Get it again; somebody changed it."
    TrustListStale "trust.list-stale" 4
        "A revocation list has ended or not begun."
        "Get the newest one from its issuer."
    TrustListSequence "trust.list-sequence" 4
        "A revocation list is older than the one that was taken in before."
        "Get the newest one; somebody may want you to forget a revocation."
    TrustRollback "trust.rollback" 4
        "The package is older than a release of the plugin that was used here before."
        "Use the newer release, or have the host's own code sign the older one off (`Seen::sign_off`); no word of the command does."
    TrustMemory "trust.memory" 4
        "The file of what was seen before is damaged."
        "Restore it. If you remove it, older packages are taken again."
    ManifestSyntax "manifest.syntax" 4
        "plugin.toml is not TOML, or a value has the wrong type."
        "Correct the place that the error names."
    ManifestUnknownKey "manifest.unknown-key" 4
        "plugin.toml has a key that the schema does not know."
        "The error names the nearest known key; reserved tables come with later releases."
    ManifestMissingKey "manifest.missing-key" 4
        "plugin.toml lacks a key that is needed."
        "Add the key that the error names."
    ManifestId "manifest.id" 4
        "The plugin's id is malformed."
        "Use a-z, 0-9 and `-`, with at most one `.` between publisher and name."
    ManifestVersion "manifest.version" 4
        "A version or a version requirement is malformed."
        "Write versions like 1.2.3 and requirements like ^1.2."
    ManifestName "manifest.name" 4
        "A capability, contract, topic or backend is not a well-formed name."
        "Use a-z, 0-9, `_` and `-`, parts joined by `.`."
    ManifestSize "manifest.size" 4
        "A size is malformed."
        "Write a number and a unit, like \"8MiB\"."
    ManifestDuration "manifest.duration" 4
        "A duration is malformed."
        "Write a number and a unit, like \"2ms\"."
    ManifestNewer "manifest.newer" 4
        "plugin.toml is of a newer schema than this engine reads."
        "Update the game, or ask the author for an older release."
    PolicyUnknown "policy.unknown" 4
        "There is no policy of this name."
        "The error lists the names there are."
    PolicySyntax "policy.syntax" 4
        "The policy file is not TOML, or a value has the wrong type."
        "Correct the place that the error names; nothing of the file is in force."
    PolicyUnknownKey "policy.unknown-key" 4
        "The policy file has a key that the schema does not know."
        "The error names the nearest known key."
    PolicyValue "policy.value" 4
        "A policy's value is none of the words that its key takes, or beyond what there is: a preset, a backend, a capability, a library, a percentage."
        "The error names the words there are, or the most there is."
    PolicySize "policy.size" 4
        "A size in a policy file is malformed."
        "Write a number and a unit, like \"64MiB\"."
    PolicyDuration "policy.duration" 4
        "A duration in a policy file is malformed."
        "Write a number and a unit, like \"50ms\"."
    PolicySourceFormat "policy.source-format" 4
        "The policy admits no text formats (.wat)."
        "Ship the binary: wat2wasm, or a policy with source formats."
    AuditBroken "audit.broken" 4
        "An audit log is not as it was written: a record was changed, removed, moved or cut off, or a checkpoint is not signed by the key."
        "Everything before the record that is named is as it was written. Compare with a copy; a torn last record is repaired when the log is written next."
    AuditKey "audit.key" 4
        "A key file of the audit is no ed25519 key, or others than its owner can read the secret key."
        "Name the right file; keep the secret key readable by its owner only (mode 600)."
    ResolveMissing "resolve.missing" 5
        "A plugin needs another plugin that is not there."
        "Install it, or take the mod out that needs it."
    ResolveUnsatisfiable "resolve.unsatisfiable" 5
        "A plugin needs another plugin in a version that is not there."
        "Install the version that the error names."
    ResolveConflict "resolve.conflict" 5
        "Two plugins cannot be loaded together."
        "Take one of them out."
    ResolveCycle "resolve.cycle" 5
        "Plugins need each other in a circle."
        "One of them must let go, or say order = false."
    ResolveContract "resolve.contract" 5
        "A plugin needs a host contract that this host does not offer, or not in this version."
        "Use the plugin's release for this game."
    ResolveEngine "resolve.engine" 5
        "A plugin needs another version of modhost."
        "Update the game, or use the plugin's release for it."
    ResolveBudget "resolve.budget" 5
        "Which plugins go together was not found out within the steps that the host allows."
        "Take fewer mods, keep a set in modhost.lock, raise `budget` in the policy's [resolve], or take what goes without a search: \
         `choice = \"greedy\"` there, or `modhost resolve DIR --greedy`."
    ResolveLocked "resolve.locked" 5
        "What is there is not what the lockfile or the mod set holds."
        "Bring the very versions back that it names, or lock the set again."
    InternalBug "internal.bug" 70
        "modhost did what it must never do."
        "Please report it with the message."
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// There is no code of this name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct UnknownCode;

impl fmt::Display for UnknownCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("there is no code of this name")
    }
}

impl std::error::Error for UnknownCode {}

impl FromStr for Code {
    type Err = UnknownCode;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Code::ALL.iter().copied().find(|code| code.as_str() == name).ok_or(UnknownCode)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_read_back() {
        for code in Code::ALL {
            assert_eq!(code.as_str().parse(), Ok(*code));
            assert!(code.cause().ends_with('.') && code.remedy().ends_with('.'), "{code}");
        }
        assert!("limit".parse::<Code>().is_err());
    }
}
