//! A server of this program, on a new file.

use std::{
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

/// A running server; ended, and its data removed, when dropped.
pub struct Spawned {
    child: Child,
    folder: PathBuf,
    url: String,
}

impl Spawned {
    /// Starts this very program, on a file in a new folder of the current directory: a folder for temporary files may be in memory, where a
    /// sync costs nothing.
    pub async fn start() -> Result<Self, String> {
        let program =
            std::env::current_exe().map_err(|error| format!("cannot find this program: {error}"))?;
        Self::start_with(&program, Path::new("."), |_| Ok(())).await
    }

    /// Starts `program` below `parent`, on a file that `prepare` may make.
    pub async fn start_with(
        program: &Path,
        parent: &Path,
        prepare: impl FnOnce(&Path) -> std::io::Result<()>,
    ) -> Result<Self, String> {
        let folder = parent.join(format!("durahub-bench-{:08x}", uuid::Uuid::new_v4().as_fields().0));
        let failed =
            |error: std::io::Error| format!("cannot start a server in {}: {error}", folder.display());
        std::fs::create_dir(&folder).map_err(failed)?;
        let file = folder.join("bench.db");
        let child = prepare(&file).and_then(|()| {
            Command::new(program)
                .args(["serve", "--listen", "127.0.0.1:0", "--log-level", "warn", "--store"])
                .arg(format!("sqlite:{}", file.display()))
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .spawn()
        });
        let mut child = match child {
            Ok(child) => child,
            Err(error) => {
                // Nothing is in it.
                let _ = std::fs::remove_dir_all(&folder);
                return Err(failed(error));
            }
        };
        let lines = child.stdout.take().map(|out| BufReader::new(out).lines());
        let mut spawned = Self { child, folder, url: String::new() };
        // It says where it listens, or why it does not, on its own standard error.
        let url = tokio::task::spawn_blocking(move || {
            lines?
                .map_while(Result::ok)
                .find_map(|line| line.strip_prefix("Listening on ").map(str::to_owned))
        });
        match url.await {
            Ok(Some(url)) => spawned.url = url,
            _ => return Err("the server ended before it listened".to_owned()),
        }
        Ok(spawned)
    }

    /// Where it is.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Its file.
    pub fn file(&self) -> PathBuf {
        self.folder.join("bench.db")
    }
}

impl Drop for Spawned {
    fn drop(&mut self) {
        // It may have ended by itself; and who cannot remove a folder leaves it to the user, who sees it.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
