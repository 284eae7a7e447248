// Package disk is a file system that passes everything through to a directory
// until it is told to fail, and that can lose what was never synced.
//
// It is mounted (FUSE) over a node's data before the node starts, and stays.
// [FS.Inject] makes calls fail, stall or run out of space, by kind of call and
// by path; [FS.PowerFail] takes the directory back to what a disk would hold
// after the power failed; [FS.Damage] harms files at rest.
//
// # What a power failure loses
//
// Every write goes to the backing directory at once, and what it replaced is
// kept until a sync: the bytes that were overwritten or cut off, and the names
// that were made, removed or changed. A power failure puts those back. The
// other way around (hold writes back and apply them on a sync) was not chosen:
//
//   - Reads, maps of memory and all metadata stay plain calls on the backing
//     files, and an append, which is what logs do, costs nothing to remember
//     but its length. A held-back write would have to be laid over every read.
//   - When the server of the file system dies (a kill -9 of the agent), all
//     that the node wrote is in the backing directory, synced or not, exactly
//     as after a kill of the node on a bare directory. Nothing is lost that a
//     scenario did not ask to lose; the mount answers ENOTCONN until it is
//     taken away. A death in the middle of a power failure leaves it half done.
//   - Memory is bounded by what is overwritten between two syncs. Beyond
//     [Options.Pending] bytes the oldest unsynced writes are given up as
//     written back, which any kernel may do at any time: the fault gets
//     weaker, never wrong.
//
// What is synced, and by what:
//
//   - fsync, fdatasync and msync save a file's bytes and size; writes through
//     O_SYNC and O_DSYNC handles and RWF_DSYNC are saved as they return.
//   - Names (create, link, unlink, rename, mkdir, rmdir), modes, owners and
//     extended attributes form one journal. By default a sync of a file or
//     directory saves the journal up to the last entry that concerns it, as
//     ext4 and XFS do; with [Strict] a sync of a file saves none of its names,
//     and one of a directory only what happened in that directory and what
//     that depends on, which is all that POSIX promises.
//   - close, sync_file_range and O_DIRECT save nothing.
//   - Linux does not tell a FUSE server of syncfs and sync: they save nothing
//     here, although on a disk they would. Programs that rely on them, and on
//     nothing else, lose more than they should.
//   - Times are not taken back.
//
// Memory that a process has mapped shared and written to is in the kernel's
// page cache and not here before a sync, an unmapping or a write-back; the
// cache is thrown away by a power failure, with all that is not here yet.
// Locks (flock and fcntl) are the kernel's own: the mount is the only way in.
//
// A power failure is for a node whose processes have been killed. Handles that
// are open through it get EIO ever after.
package disk
