import re
def sub(p, pairs):
    s=open(p).read()
    for o,n in pairs:
        assert s.count(o)==1,(p,o,s.count(o)); s=s.replace(o,n)
    open(p,'w').write(s)
sub('etl/pipeline.py',[('''    door: Door = ON_COMMAND_LINE,
    shelf: Shelf''','''    shelf: Shelf'''),("with_parameters(request.parameters, door=door)","with_parameters(request.parameters, door=request.door)"),
('''    parameters: Mapping[str, str] = field(default_factory=dict)
    as_of''','''    parameters: Mapping[str, str] = field(default_factory=dict)
    door: Door = ON_COMMAND_LINE
    as_of''')])
sub('etl/checking.py',[('''load_recipe(
                request, workspace=workspace.root, door=parameter_door(workspace, name)
            )''','''load_recipe(request, workspace=workspace.root)'''),
('''            parameters=company.parameters,
''','''            parameters=company.parameters,
            door=parameter_door(workspace, name),
''')])
sub('etl/live/recipes.py',[("load_recipe(request, door=parameter_door(workspace, name), shelf=shelf)","load_recipe(request, shelf=shelf)"),
('''        parameters=company.parameters,
''','''        parameters=company.parameters,
        door=parameter_door(workspace, name),
'''),
('''        parameters=head["parameters"],
''','''        parameters=head["parameters"],
        door=_STORED,
'''),
('''_VERSION = "version/"
''','''_VERSION = "version/"
_STORED = Door("parameters", "stage the batch again with `pleo-etl run`; see {name}")
'''),
('''from etl.rendering.templates import Shelf
''','''from etl.rendering.parameters import Door
from etl.rendering.templates import Shelf
'''),
])
sub('etl/authoring.py',[('''        mapping=case / MAPPING,
        parameters=parameters,
''','''        mapping=case / MAPPING,
        parameters=parameters,
        door=Door(shown_path(case / PARAMETERS), "write {name}: VALUE into it"),
''')])
