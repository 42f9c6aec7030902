//! The file: one JSON object a line, appended by a thread of its own, so that a slow disk holds up those who are recorded and nobody else.
//!
//! A file that was moved away or removed is made anew under its name, so `logrotate` needs no signal.

use crate::clock::Clock;
use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::{
        Arc,
        mpsc::{self, Receiver, Sender},
    },
    thread,
    time::{Duration, Instant},
};
use tokio::sync::oneshot;

/// Most bytes that are written at once.
const BATCH_BYTES: usize = 1 << 20;
/// Pause between two complaints about a file that cannot be written.
const COMPLAIN_EVERY: Duration = Duration::from_secs(10);

struct Line {
    bytes: Vec<u8>,
    written: oneshot::Sender<()>,
}

/// The end of the file that others hold.
pub(super) struct File(Sender<Line>);

impl File {
    /// Opens it and starts the thread, which ends when this is dropped.
    pub fn open(path: &Path, clock: Arc<dyn Clock>) -> io::Result<Self> {
        let (sender, lines) = mpsc::channel();
        let mut writer =
            Writer { path: path.to_owned(), file: None, clock, lost: 0, torn: false, complained: None };
        writer.current()?;
        thread::Builder::new().name("audit".to_owned()).spawn(move || writer.run(&lines))?;
        Ok(Self(sender))
    }

    /// Hands over a line. Answered once it is in the hands of the system, or is lost and that has been said.
    pub fn append(&self, bytes: Vec<u8>) -> oneshot::Receiver<()> {
        let (written, answer) = oneshot::channel();
        // Fails only if the thread is gone; the answer then fails, too, at once.
        drop(self.0.send(Line { bytes, written }));
        answer
    }
}

struct Writer {
    path: PathBuf,
    file: Option<fs::File>,
    clock: Arc<dyn Clock>,
    /// Lines that could not be written since the last that could.
    lost: u64,
    /// Whether the file may end within a line.
    torn: bool,
    complained: Option<Instant>,
}

impl Writer {
    fn run(&mut self, lines: &Receiver<Line>) {
        while let Ok(first) = lines.recv() {
            let mut batch = first.bytes;
            let mut waiting = vec![first.written];
            while batch.len() < BATCH_BYTES
                && let Ok(next) = lines.try_recv()
            {
                batch.extend(next.bytes);
                waiting.push(next.written);
            }
            if let Err(error) = self.write(&batch) {
                self.lost += waiting.len() as u64;
                self.complain(&error);
            }
            for written in waiting {
                // Whoever has left does not wait.
                let _gone = written.send(());
            }
        }
    }

    fn write(&mut self, batch: &[u8]) -> io::Result<()> {
        self.current()?;
        let mut bytes = Vec::new();
        if self.torn {
            bytes.push(b'\n');
        }
        if self.lost > 0 {
            let line = format!("{{\"time\":\"{}\",\"lost\":{}}}\n", self.clock.now(), self.lost);
            bytes.extend(line.as_bytes());
        }
        bytes.extend(batch);
        // Until it has succeeded, the file may end anywhere.
        self.torn = true;
        self.file.as_mut().ok_or_else(|| io::Error::other("it is not open"))?.write_all(&bytes)?;
        (self.torn, self.lost) = (false, 0);
        Ok(())
    }

    /// The file of that name, opened again if it is not the one that was opened.
    fn current(&mut self) -> io::Result<()> {
        let named = fs::metadata(&self.path).ok().map(|found| (found.dev(), found.ino()));
        let opened = self.file.as_ref().and_then(|file| file.metadata().ok());
        let opened = opened.map(|found| (found.dev(), found.ino()));
        if opened.is_none() || named != opened {
            let file = OpenOptions::new().append(true).create(true).mode(0o600).open(&self.path)?;
            (self.file, self.torn) = (Some(file), false);
        }
        Ok(())
    }

    fn complain(&mut self, error: &io::Error) {
        if self.complained.is_some_and(|at| at.elapsed() < COMPLAIN_EVERY) {
            return;
        }
        self.complained = Some(Instant::now());
        tracing::error!(
            path = %self.path.display(), %error, lost = self.lost,
            "the audit log (setting audit.file) cannot be written: calls go unrecorded"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;

    async fn append(file: &File, line: &str) {
        file.append(format!("{line}\n").into_bytes()).await.unwrap();
    }

    #[tokio::test]
    async fn lines_are_there_when_they_are_acknowledged_and_a_moved_file_is_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        let (path, old) = (folder.path().join("audit"), folder.path().join("audit.1"));
        fs::write(&path, "before\n").unwrap();
        let file = File::open(&path, Arc::new(SystemClock)).unwrap();
        append(&file, "one").await;
        assert_eq!(fs::read_to_string(&path).unwrap(), "before\none\n");
        fs::rename(&path, &old).unwrap();
        append(&file, "two").await;
        assert_eq!(fs::read_to_string(&path).unwrap(), "two\n");
        assert_eq!(fs::read_to_string(&old).unwrap(), "before\none\n");
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
    }

    #[tokio::test]
    async fn what_could_not_be_written_is_counted_in_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit");
        let file = File::open(&path, Arc::new(SystemClock)).unwrap();
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        append(&file, "lost").await;
        append(&file, "lost, too").await;
        fs::remove_dir(&path).unwrap();
        append(&file, "kept").await;
        let text = fs::read_to_string(&path).unwrap();
        let lines: Vec<_> = text.lines().collect();
        assert!(lines[0].contains("\"lost\":2") && lines[1..] == ["kept"], "{text}");
    }
}
